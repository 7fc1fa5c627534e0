import { expect, test } from "vitest";
import type { BrowserReport } from "../../../player-host/contract/browser-report.ts";
import type { PlayerLink, PlayerStatus } from "../player/player-port.ts";
import { browserSource, playerLogSource } from "./health-source.ts";

const WELL: BrowserReport = { name: "chromium 156.0.8078.108", why: "found", sandbox: true, support: "tested", picture: { kind: "seen", afterMs: 900 }, passedOver: [] };

function look(status: Partial<BrowserReport> | undefined) {
  const present: PlayerStatus = {
    kind: "present", instance: "a", pid: 1, shell: "s", heardMs: 0, stage: { kind: "screen", screen: "blank" },
    picture: { verdict: "showing", confidence: 1, evidence: [] }, ...(status === undefined ? {} : { browser: { ...WELL, ...status } }),
  };
  return browserSource({ status: () => present } as unknown as PlayerLink).look();
}

test("a healthy or unknown browser is not an issue", () => {
  expect([look({}), look({ name: "chromium 999.1.1.1" }), look(undefined)]).toEqual([undefined, undefined, undefined]);
});

test.each([
  [{ sandbox: false }, "browser.no-sandbox", "runs without its sandbox"],
  [{ name: "chromium 120.0.1", sandbox: false }, "browser.too-old", "chromium 120.0.1 is older than 150"],
  [{ name: "chromium 120.0.1", picture: { kind: "none", why: "it ended 2 times" } as const }, "browser.no-picture", "has shown no picture: it ended 2 times"],
])("%j is reported as %s", (change, code, says) => {
  expect(look(change)).toMatchObject({ code, message: expect.stringContaining(says) as string });
});

test("the player host's log is an issue only when it cannot be written", () => {
  const link = (logTrouble?: string): PlayerLink => ({ status: () => ({ kind: "present", ...(logTrouble !== undefined && { logTrouble }) }) }) as unknown as PlayerLink;
  expect(playerLogSource(link()).look()).toBeUndefined();
  expect(playerLogSource(link("the log /l is not written: ENOSPC")).look()).toEqual({ code: "player.log-not-written", message: "the player host: the log /l is not written: ENOSPC" });
});
