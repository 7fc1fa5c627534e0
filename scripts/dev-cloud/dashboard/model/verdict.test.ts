import { describe, expect, test } from "vitest";
import type { DeviceSummary } from "./api-types.ts";
import { isIn } from "./fleet-filter.ts";
import { sentenceOf, wallOf } from "./verdict.ts";

const NOW = 1_000_000_000;
const LIVE = { live: true } as const;

function device(change: { readonly verdict?: DeviceSummary["verdict"]; readonly state?: DeviceSummary["link"]["state"] } = {}): DeviceSummary {
  return {
    id: "a", name: "A", claimed: true, pairing: null, lastSeenMs: NOW - 180_000, player: null, adapter: null, software: null, agentVersion: null, platform: null, screenshot: null,
    link: { state: change.state ?? "online", sinceMs: NOW - 180_000, reason: null, session: null, epoch: null, bootId: null, remote: null },
    verdict: change.verdict === undefined ? { verdict: "showing", confidence: 1, sinceMs: NOW - 5_000 } : change.verdict,
    desired: { version: 0, applied: 0 }, alarms: [], openCommands: 0, simulated: false, createdMs: 0,
  };
}

describe("what is on the screen", () => {
  test("is shown as reported only while the device is online and this page is live", () => {
    expect(wallOf(device(), LIVE)).toMatchObject({ tone: "good", word: "showing", sinceMs: NOW - 5_000 });
    expect(sentenceOf(wallOf(device({ state: "offline" }), LIVE), NOW)).toBe("unknown (was showing 3 min ago)");
    expect(sentenceOf(wallOf(device(), { live: false, lastHeardMs: NOW - 9_000 }), NOW)).toBe("unknown (was showing 9 s ago)");
  });

  test("is unknown if never reported, and an offline device is never listed as showing", () => {
    expect(sentenceOf(wallOf(device({ verdict: null }), LIVE), NOW)).toBe("unknown");
    expect(sentenceOf(wallOf(device({ state: "never" }), LIVE), NOW)).toBe("unknown");
    expect(isIn("showing", device({ state: "offline" }), LIVE)).toBe(false);
    expect(isIn("wrong", device({ verdict: { verdict: "dark", confidence: 1, sinceMs: null } }), LIVE)).toBe(true);
  });

  test("an unknown verdict is shown as is and not as good", () => {
    expect(wallOf(device({ verdict: { verdict: "half-lit", confidence: 1, sinceMs: null } }), LIVE)).toMatchObject({ tone: "unknown", word: "half-lit" });
  });
});
