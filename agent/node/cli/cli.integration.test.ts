import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { ok } from "../../../platform/ports/result.ts";
import { LocalServer } from "../local-api/local-server.ts";
import { CLI_EXIT } from "./command.ts";
import { deviceCommands } from "./device-commands.ts";
import { runCli } from "./run-cli.ts";

const entry = (key: string, value: unknown, secret?: { readonly isSet: boolean }) => ({ key, value, source: "default", default: value, secret: secret !== undefined, ...secret, description: key });
const configuration = { file: "/etc/vitrine/config.json", entries: [entry("log.level", "info"), entry("cloud.endpoints", []), entry("cloud.proxy", null, { isSet: false }), entry("other.secret", null, { isSet: true })], issues: [] };

let folder = "";
let stop = new AbortController();
let running: Promise<void> = Promise.resolve();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-cli-"));
  stop = new AbortController();
  const path = join(folder, "run", "agent.sock");
  running = new LocalServer(path, { config: () => Promise.resolve(ok(configuration)) }, silentLog).run(stop.signal);
  await expect.poll(() => statSync(path, { throwIfNoEntry: false })?.isSocket()).toBe(true);
});

afterEach(async () => {
  stop.abort();
  await running;
  rmSync(folder, { recursive: true, force: true });
});

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const cli = { call: "vitrine", commands: deviceCommands({ socketPath: () => ok(join(folder, "run", "agent.sock")) }) };
  const code = await runCli(cli, words, { out: (text) => (out += text), err: (text) => (err += text) }, stop.signal);
  return { code, out, err };
}

test("config with a key prints that key or those below it, as a table and as JSON", async () => {
  const keysOf = (out: string): string[] => (JSON.parse(out) as typeof configuration).entries.map(({ key }) => key);
  expect(keysOf((await run("config", "--json")).out)).toEqual(["log.level", "cloud.endpoints", "cloud.proxy", "other.secret"]);
  expect(keysOf((await run("config", "log.level", "--json")).out)).toEqual(["log.level"]);
  expect(keysOf((await run("config", "cloud", "--json")).out)).toEqual(["cloud.endpoints", "cloud.proxy"]);
  expect((await run("config", "log.level")).out).not.toContain("cloud");
});

test("config with an unknown key is an error with a code and the nearest key", async () => {
  const json = await run("config", "log.levle", "--json");
  expect(json.code).toBe(CLI_EXIT.usage);
  expect(JSON.parse(json.out)).toMatchObject({ error: { code: "config.unknown-key", hint: "did you mean log.level?" } });
  const text = await run("config", "nope");
  expect(text).toMatchObject({ code: CLI_EXIT.usage, out: "" });
  expect(text.err).toContain("[config.unknown-key]");
  expect(text.err).toContain("`vitrine config` lists every key");
});

test("config tells a secret that is set from one that is not, and shows neither", async () => {
  const { out } = await run("config");
  expect(out).toMatch(/cloud\.proxy +\(not set\)/);
  expect(out).toMatch(/other\.secret +\(secret\)/);
});
