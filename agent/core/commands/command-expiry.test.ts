import { describe, expect, it } from "vitest";
import { elapsedSince, expiryOf, type Expiring } from "./command-expiry.ts";
import type { Moment } from "./journal-entry.ts";

const RECEIVED: Moment = { wallMs: 0, boot: "one", upMs: 1_000, serverMs: 500_000 };
const COMMAND: Expiring = { received: RECEIVED, notAfterMs: 600_000, ttlMs: 10_000 };

/** Some time later in the same boot, with every clock right. */
function later(byMs: number, fields: Partial<Moment> = {}): Moment {
  return { wallMs: byMs, boot: "one", upMs: 1_000 + byMs, serverMs: 500_000 + byMs, ...fields };
}

function without(moment: Moment, field: "upMs" | "serverMs"): Moment {
  const { [field]: _gone, ...rest } = moment;
  return rest;
}

describe("expiry", () => {
  it("measures the time to live by the time since boot", () => {
    expect(expiryOf(COMMAND, later(9_999))).toEqual({ kind: "alive", leftMs: 1 });
    expect(expiryOf(COMMAND, later(10_000)).kind).toBe("expired");
  });

  it("judges the date by the cloud's clock; the earlier of date and time to live counts", () => {
    expect(expiryOf({ ...COMMAND, notAfterMs: 504_000 }, later(3_000))).toEqual({ kind: "alive", leftMs: 1_000 });
    expect(expiryOf({ ...COMMAND, notAfterMs: 504_000 }, later(4_001)).kind).toBe("expired");
    expect(expiryOf({ ...COMMAND, notAfterMs: 504_000 }, without(later(4_001), "serverMs")).kind).toBe("alive");
  });

  it.each([-1e12, 1e12])("ignores the device's wall clock, which is off by %i ms", (wallMs) => {
    expect(expiryOf(COMMAND, later(5_000, { wallMs }))).toEqual({ kind: "alive", leftMs: 5_000 });
  });

  it("falls back to the cloud's clock after a reboot or when the uptime is unknown", () => {
    expect(expiryOf(COMMAND, later(4_000, { boot: "two", upMs: 10 }))).toEqual({ kind: "alive", leftMs: 6_000 });
    expect(expiryOf(COMMAND, later(10_000, { boot: "two", upMs: 10 })).kind).toBe("expired");
    expect(expiryOf(COMMAND, without(later(4_000), "upMs"))).toEqual({ kind: "alive", leftMs: 6_000 });
  });

  it("waits for the cloud's clock after a reboot, at most for the whole time to live", () => {
    expect(expiryOf(COMMAND, without(later(1, { boot: "two" }), "serverMs"))).toEqual({ kind: "unknown", leftMs: 10_000 });
  });

  it("expires a command of unknown age", () => {
    const blind: Expiring = { ...COMMAND, received: without(RECEIVED, "serverMs") };
    expect(expiryOf(blind, later(1, { boot: "two" })).kind).toBe("expired");
    expect(expiryOf(blind, without(later(1, { boot: "two" }), "serverMs")).kind).toBe("expired");
    expect(expiryOf(blind, later(1)).kind).toBe("alive");
  });

  it("never returns a negative elapsed time", () => {
    expect(elapsedSince(later(0), later(-500))).toBe(0);
    expect(elapsedSince(without(later(0), "upMs"), later(0, { serverMs: 0 }))).toBe(0);
  });
});
