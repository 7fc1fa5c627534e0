import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { ok } from "../../../platform/ports/result.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { LocalServer } from "../local-api/local-server.ts";
import { cloudCommands } from "./cloud-commands.ts";
import { CLI_EXIT } from "./command.ts";
import { deviceCommands } from "./device-commands.ts";
import { runCli } from "./run-cli.ts";

const entry = (key: string, value: unknown) => ({ key, value, source: "default", default: value, secret: false, description: key });
const configuration = { entries: [entry("log.level", "info"), entry("cloud.endpoints", []), entry("cloud.proxy", "")], issues: [] };

let folder = "";
let stop = new AbortController();
let running: Promise<void> = Promise.resolve();
let cloud: Server;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-cli-"));
  stop = new AbortController();
  const path = join(folder, "run", "agent.sock");
  running = new LocalServer(path, { config: () => Promise.resolve(ok(configuration)) }, silentLog).run(stop.signal);
  await expect.poll(() => statSync(path, { throwIfNoEntry: false })?.isSocket()).toBe(true);
  cloud = createServer((request, response) => {
    const [status, body] = answerOf(request.method ?? "", request.url ?? "");
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  stop.abort();
  await running;
  await new Promise((resolve) => cloud.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** A cloud with one device that cannot do what it is told. */
function answerOf(method: string, path: string): [status: number, body: object] {
  if (path.endsWith("/claim")) return [400, { error: { code: "request.invalid", message: "claim, at code: must have the form ^[A-Z0-9]{4,12}$" } }];
  if (method === "POST") return [409, { error: { code: "command.not-possible", message: "it has no such port", hint: 'send it all the same with "insist": true' } }];
  if (path.endsWith("/catalog")) return [200, { commands: [{ name: "reboot", params: { type: "object", properties: {} } }] }];
  return [200, { devices: [{ id: "0".repeat(32), name: "lobby" }] }];
}

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const url = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
  const commands = [...deviceCommands({ socketPath: () => ok(join(folder, "run", "agent.sock")) }), ...cloudCommands({ VITRINE_CLOUD_URL: url }, new VirtualTime())];
  const code = await runCli(commands, words, { out: (text) => (out += text), err: (text) => (err += text) }, stop.signal);
  return { code, out, err };
}

test("config with a key gives that key or those below it, as a table and as JSON", async () => {
  const keysOf = (out: string): string[] => (JSON.parse(out) as typeof configuration).entries.map(({ key }) => key);
  expect(keysOf((await run("config", "--json")).out)).toEqual(["log.level", "cloud.endpoints", "cloud.proxy"]);
  expect(keysOf((await run("config", "log.level", "--json")).out)).toEqual(["log.level"]);
  expect(keysOf((await run("config", "cloud", "--json")).out)).toEqual(["cloud.endpoints", "cloud.proxy"]);
  expect((await run("config", "log.level")).out).not.toContain("cloud");
});

test("config with a key that nobody knows is an error with a code and the key that was meant", async () => {
  const json = await run("config", "log.levle", "--json");
  expect(json.code).toBe(CLI_EXIT.usage);
  expect(JSON.parse(json.out)).toMatchObject({ error: { code: "config.unknown-key", hint: "did you mean log.level?" } });
  const text = await run("config", "nope");
  expect(text).toMatchObject({ code: CLI_EXIT.usage, out: "" });
  expect(text.err).toContain("[config.unknown-key]");
  expect(text.err).toContain("`vitrine config` lists every key");
});

test("what is said about a command the device cannot do is in words of the command line", async () => {
  const { code, err } = await run("cloud", "send", "lobby", "reboot");
  expect(code).toBe(CLI_EXIT.notSo);
  expect(err).toContain("--insist");
  expect(err).not.toContain('"insist": true');
});

test("a wrong value is a usage error, whoever checked it; a right one that cannot be is not", async () => {
  const wrong = await run("cloud", "claim", "not a code", "--json");
  expect([wrong.code, wrong.out]).toEqual([CLI_EXIT.usage, expect.stringContaining("request.invalid") as unknown]);
  expect(wrong.out).not.toContain("httpStatus");
  expect((await run("cloud", "send", "lobby", "reboot")).code).toBe(CLI_EXIT.notSo);
});
