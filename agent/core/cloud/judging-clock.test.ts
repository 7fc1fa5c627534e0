import { describe, expect, test } from "vitest";
import type { ClockQuality } from "../../../platform/ports/clock.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { expiryOf } from "../commands/command-expiry.ts";
import { JudgingClock } from "./judging-clock.ts";
import { ServerClock } from "./server-clock.ts";

const HOUR_MS = 3_600_000;

function bench(quality: ClockQuality = "synced") {
  const time = new VirtualTime();
  const serverClock = new ServerClock(time);
  const raised = new Map<string, string>();
  const state = { quality };
  const alarms = {
    raise: (code: string, _severity: string, message: string) => void raised.set(code, message),
    clear: (code: string) => void raised.delete(code),
    active: () => new Map(),
  };
  const judge = new JudgingClock({ clock: time, serverClock, alarms, quality: () => state.quality });
  const tell = (offsetMs: number): void => {
    serverClock.learn(time.wallMs() + offsetMs, time.monotonicMs());
    judge.compare();
  };
  return { time, judge, state, raised, tell };
}

describe("the time by which commands expire", () => {
  test("is the later of the cloud's and the device's synchronised clock, so a withheld command expires whatever the cloud reports", () => {
    const { time, judge, tell } = bench();
    const notAfterMs = time.wallMs() - 1_000;
    tell(-HOUR_MS);
    const serverMs = judge.nowMs();
    expect(serverMs).toBe(time.wallMs());
    const moment = { wallMs: time.wallMs(), boot: "b", upMs: 0, ...(serverMs !== undefined && { serverMs }) };
    expect(expiryOf({ received: moment, notAfterMs, ttlMs: HOUR_MS }, moment)).toMatchObject({ kind: "expired", error: { code: "command.expired" } });
    tell(HOUR_MS);
    expect(judge.nowMs()).toBe(time.wallMs() + HOUR_MS);
  });

  test("is the cloud's alone while the device's clock is not synchronised, and unknown before the cloud reported one", () => {
    for (const quality of ["local", "unset"] as const) {
      const { time, judge, tell } = bench(quality);
      expect(judge.nowMs()).toBeUndefined();
      tell(-HOUR_MS);
      expect(judge.nowMs()).toBe(time.wallMs() - HOUR_MS);
    }
  });

  test("is the device's synchronised clock before the cloud reported one", () => {
    const { time, judge } = bench();
    expect(judge.nowMs()).toBe(time.wallMs());
  });

  test("a cloud clock far behind raises an alarm until it agrees, but only while the device's clock is synchronised", () => {
    const { raised, state, tell } = bench();
    tell(-30_000);
    expect(raised.size).toBe(0);
    tell(-HOUR_MS);
    expect(raised.get("cloud.clock-behind")).toContain("3600 s behind");
    tell(HOUR_MS);
    expect(raised.size).toBe(0);
    state.quality = "local";
    tell(-HOUR_MS);
    expect(raised.size).toBe(0);
    state.quality = "synced";
    tell(-HOUR_MS);
    expect(raised.size).toBe(1);
    state.quality = "local";
    tell(-HOUR_MS);
    expect(raised.size).toBe(0);
  });
});
