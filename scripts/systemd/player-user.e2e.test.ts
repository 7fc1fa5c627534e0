import { spawnSync, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { askAgent } from "../../agent/node/local-api/local-client.ts";
import { findTestChromium } from "../../player-host/shells/testing/find-chromium.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { asUser, endProcess, PLAYER, TwoUserPlace, whyNoOtherUsers } from "./testing/other-users.ts";

const browser = findTestChromium();
const why = browser === undefined ? "no Chromium or Chrome is on this machine" : (whyNoOtherUsers() ?? whyNoSandbox());
if (why !== undefined) reportLeftOut("a player host with a real browser as a user of its own", why);

/** Chromium's sandbox needs user namespaces, which some machines deny to ordinary users. */
function whyNoSandbox(): string | undefined {
  const [program, ...args] = asUser({ uid: PLAYER }, "unshare", ["--user", "true"]);
  return spawnSync(program, args).status === 0 ? undefined : "ordinary users get no user namespaces here, so Chromium has no sandbox";
}

let users: TwoUserPlace | undefined;
const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) await endProcess(child);
  users?.remove();
});

test.skipIf(why !== undefined)("with the player host as another user than the agent, the picture is shown, sandboxed, and the log reaches the agent", async () => {
  users = new TwoUserPlace();
  const socket = users.path("sockets", "run", "agent.sock");
  running.push(users.startAgent(), users.startPlayer(browser ?? ""));
  const player = async (): Promise<unknown> => {
    const status = await askAgent(socket, "status", {}, 5_000);
    return status.ok ? (status.value as { player: unknown }).player : status.error.code;
  };
  await expect.poll(player, { timeout: 50_000, interval: 300 }).toMatchObject({ kind: "idle", screen: "pairing" });
  const logs = await askAgent(socket, "logs", { lines: 200 }, 5_000);
  expect(JSON.stringify(logs)).toContain("browser started");
  // As root Chromium would run without its sandbox, and the log would say so.
  expect(readFileSync(users.path("player-logs", "player.log"), "utf8")).not.toContain("without its sandbox");
});
