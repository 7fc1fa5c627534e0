import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CLI_EXIT } from "../../../agent/node/cli/command.ts";
import { runCli } from "../../../agent/node/cli/run-cli.ts";
import { systemClock } from "../../../platform/linux/system-clock.ts";
import { cloudCommands } from "./cloud-commands.ts";

const NAMES = ["lobby", "window", "bar"];
const [OLD, NEW] = ["1.0.0", "1.2.0"];
const TIMES = { lookMs: 2, settleMs: 60, offlineMs: 60 };

let cloud: Server;
let folder: string;
/** Devices whose update was asked for, in order. */
let asked: string[];
/** Outcomes other than success, and verdicts after the update, by device. */
let outcomes: Record<string, object>;
let verdicts: Record<string, string>;
/** What else the cloud says of a device, from a moment on. */
let says: (name: string) => object;
/** Number of lists of devices that were asked for. */
let lists: number;
let settleMs: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-rollout-"));
  writeFileSync(join(folder, "release.json"), JSON.stringify({ payload: JSON.stringify({ version: NEW }), key: "k", signature: "s" }));
  [asked, outcomes, verdicts, lists, settleMs] = [[], {}, {}, 0, TIMES.settleMs];
  says = () => ({});
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
  lists += 1;
  return { devices: NAMES.map((each) => ({ id: `id-${each}`, name: each, claimed: each !== "bar" || asked.length > 0, link: { state: "online" }, ...seen(each), ...says(each) })) };
}

/** A release that did not come to stay is not the one that runs afterwards. */
function seen(name: string): object {
  const isNew = asked.includes(name) && (outcomes[name] === undefined || "runs" in outcomes[name]);
  return { software: { running: isNew ? NEW : OLD, confirmed: isNew ? NEW : OLD }, verdict: { verdict: asked.includes(name) ? (verdicts[name] ?? "showing") : "showing" } };
}

async function rollout(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const url = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
  const cli = { call: "npm run cloud --", commands: cloudCommands({ VITRINE_CLOUD_URL: url }, systemClock, { ...TIMES, settleMs }) };
  const code = await runCli(cli, ["rollout", "--release", join(folder, "release.json"), ...words], { out: (text) => (out += text), err: (text) => (err += text) }, new AbortController().signal);
  return { code, out, err };
}

test("zones are updated one after the other; * is every claimed device in no earlier zone", async () => {
  const { code, out, err } = await rollout("--zone", "first=window", "--zone", "rest=*");
  expect([code, asked]).toEqual([CLI_EXIT.ok, ["window", "lobby"]]);
  expect(out).toContain("every zone runs 1.2.0: first, rest");
  expect(err).toContain("window: downloading");
  expect(err).toContain('window: 1.0.0 → 1.2.0, the screen is "showing"');
});

test("a device that went back stops the rollout, and the next zone is left as it is", async () => {
  outcomes["lobby"] = { state: "failed", error: { code: "update.picture-worse", message: "the screen was blank" } };
  const { code, out, err } = await rollout("--zone", "first=lobby,window", "--zone", "rest=bar");
  expect(`${out}${err}`.split("the screen was blank")).toHaveLength(2);
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
  outcomes["lobby"] = { state: "rejected", error: { code: "update.not-newer", message: "runs already" }, runs: true };
  expect((await rollout("--zone", "first=lobby", "--zone", "rest=window")).code).toBe(CLI_EXIT.ok);
});

test("the verdict to compare with is the one just before a zone's update, not the one at the start of the rollout", async () => {
  says = (name) => (name === "window" && lists > 1 ? { verdict: { verdict: "error-page" } } : {});
  const { code, err } = await rollout("--zone", "first=lobby", "--zone", "rest=window");
  expect([code, err]).toEqual([CLI_EXIT.ok, expect.stringContaining("zone rest: window (1.0.0, error-page)") as string]);
});

test("a screen that is not known yet, before or after the update, is waited for", async () => {
  settleMs = 60_000;
  let unknownAt = 0;
  says = (name) => {
    if (name !== "lobby" || lists % 4 === 0) return {};
    unknownAt += 1;
    return { verdict: { verdict: "unknown" } };
  };
  const { code, err } = await rollout("--zone", "first=lobby");
  expect([code, unknownAt > 3]).toEqual([CLI_EXIT.ok, true]);
  expect(err).not.toContain("unknown");
});

test.each([
  ["that is offline before its zone", () => ({ link: { state: "offline" } }), [], "lobby is offline; nothing was sent to this zone"],
  ["that is offline afterwards", () => (asked.length > 0 ? { link: { state: "offline" } } : {}), ["lobby"], "lobby: is offline after its update"],
  ["whose release is still on trial", () => (asked.length > 0 ? { software: { running: NEW, confirmed: OLD } } : {}), ["lobby"], "lobby: runs 1.2.0, which is not confirmed (1.0.0 is)"],
  ["that runs another release afterwards", () => ({ software: { running: "1.3.0", confirmed: "1.3.0" } }), ["lobby"], "lobby: runs 1.3.0, not 1.2.0"],
])("a device %s stops it", async (_what, is, sent, why) => {
  says = (name) => (name === "lobby" ? is() : {});
  const { code, out } = await rollout("--zone", "first=lobby", "--zone", "rest=window");
  expect([code, asked, out]).toEqual([CLI_EXIT.notSo, sent, `stopped in zone first: ${why}\nnot updated: rest`]);
});

test("a device that stays offline without an outcome stops it", async () => {
  outcomes["lobby"] = { final: false, state: "sent" };
  says = (name) => (name === "lobby" && asked.length > 0 ? { link: { state: "offline" } } : {});
  const { code, out } = await rollout("--zone", "first=lobby");
  expect([code, out]).toEqual([CLI_EXIT.notSo, "stopped in zone first: lobby: offline for 0 min, without an outcome"]);
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
