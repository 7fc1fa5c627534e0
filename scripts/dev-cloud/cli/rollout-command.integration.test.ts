import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CLI_EXIT } from "../../../agent/node/cli/command.ts";
import { runCli } from "../../../agent/node/cli/run-cli.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { cloudCommands } from "./cloud-commands.ts";

const NAMES = ["lobby", "window", "bar"];

let cloud: Server;
let folder: string;
/** Devices whose update was asked for, in order. */
let asked: string[];
/** Outcomes other than success, and verdicts after the update, by device. */
let outcomes: Record<string, object>;
let verdicts: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-rollout-"));
  writeFileSync(join(folder, "release.json"), JSON.stringify({ payload: "{}", key: "k", signature: "s" }));
  [asked, outcomes, verdicts] = [[], {}, {}];
  cloud = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answerOf(request.method ?? "", request.url ?? "")));
  });
  await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await new Promise((resolve) => cloud.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

function answerOf(method: string, path: string): object {
  const name = /devices\/id-(\w+)\//.exec(path)?.[1] ?? "";
  if (method === "POST") asked.push(name);
  if (path.includes("/commands")) return { command: { id: "c", final: method === "GET", state: "succeeded", progress: { step: "downloading" }, ...outcomes[name] } };
  return { devices: NAMES.map((each) => ({ id: `id-${each}`, name: each, claimed: each !== "bar" || asked.length > 0, verdict: { verdict: asked.includes(each) ? (verdicts[each] ?? "showing") : "showing" } })) };
}

async function rollout(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const url = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
  const cli = { call: "npm run cloud --", commands: cloudCommands({ VITRINE_CLOUD_URL: url }, new VirtualTime()) };
  const code = await runCli(cli, ["rollout", "--release", join(folder, "release.json"), ...words], { out: (text) => (out += text), err: (text) => (err += text) }, new AbortController().signal);
  return { code, out, err };
}

test("zones are updated one after the other; * is every claimed device in no earlier zone", async () => {
  const { code, out, err } = await rollout("--zone", "first=window", "--zone", "rest=*");
  expect([code, asked]).toEqual([CLI_EXIT.ok, ["window", "lobby"]]);
  expect(out).toContain("every zone is updated: first, rest");
  expect(err).toContain("window: downloading");
});

test("a device that went back stops the rollout, and the next zone is left as it is", async () => {
  outcomes["lobby"] = { state: "failed", error: { code: "update.picture-worse", message: "the screen was blank" } };
  const { code, out } = await rollout("--zone", "first=lobby,window", "--zone", "rest=bar");
  expect([code, asked]).toEqual([CLI_EXIT.notSo, ["lobby", "window"]]);
  expect(out).toContain("stopped in zone first: lobby: failed, the screen was blank [update.picture-worse]");
  expect(out).toContain("not updated: rest");
});

test("a screen that is worse after a successful update stops it too", async () => {
  verdicts["lobby"] = "frozen";
  const { code, out } = await rollout("--zone", "first=lobby", "--zone", "rest=window");
  expect([code, asked]).toEqual([CLI_EXIT.notSo, ["lobby"]]);
  expect(out).toContain('lobby: the screen was "showing" and is "frozen"');
});

test("a device that runs the release already does not stop it", async () => {
  outcomes["lobby"] = { state: "rejected", error: { code: "update.not-newer", message: "runs already" } };
  expect((await rollout("--zone", "first=lobby", "--zone", "rest=window")).code).toBe(CLI_EXIT.ok);
});

test.each([
  ["an unknown device", ["--zone", "first=nobody"], '"nobody"'],
  ["a device in two zones", ["--zone", "first=lobby", "--zone", "second=lobby"], "zone second"],
  ["a zone without a name", ["--zone", "lobby"], "is not NAME=DEVICE"],
  ["no zone", [], "which devices?"],
])("%s is a usage error, and nothing is sent", async (_what, words, says) => {
  const { code, err } = await rollout(...words);
  expect([code, asked]).toEqual([CLI_EXIT.usage, []]);
  expect(err).toContain(says);
});
