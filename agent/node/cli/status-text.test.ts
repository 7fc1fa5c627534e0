import { expect, test } from "vitest";
import type { StatusAnswer } from "../local-api/answers.ts";
import { statusText } from "./status-text.ts";

const STATUS: StatusAnswer = {
  deviceId: "0".repeat(32), agentVersion: "0.1.0", pid: 7, adapter: "linux", evidence: ["asked for"], data: "/var/lib/vitrine", bootId: "boot-1", uptimeMs: 61_000, rssBytes: 70_000_000,
  owner: { kind: "unclaimed" }, linkSentence: "Connected.", link: { kind: "offline", sinceMs: 0 }, desiredVersion: 0, outbox: {}, openCommands: 0, units: {}, alarms: [], timers: [], counters: {},
  screen: {
    verdict: "showing", confidence: 0.95,
    evidence: [{ witness: "frame", says: "a new frame within 0.2 s" }, { witness: "display", says: "on" }],
  },
} as unknown as StatusAnswer;

test("an open set-up network is named with the address of its portal", () => {
  expect(statusText({ ...STATUS, setup: { ssid: "vitrine-1a2b", url: "http://10.42.0.1/" } })).toMatch(/set-up +join the Wi-Fi vitrine-1a2b .*http:\/\/10\.42\.0\.1\//);
});

test("the screen's verdict comes first, and what each witness saw below it, one a line", () => {
  expect(statusText(STATUS).split("\n").slice(0, 3).map((line) => line.trim())).toEqual(["screen    showing (confidence 95 %)", "frame: a new frame within 0.2 s", "display: on"]);
});
