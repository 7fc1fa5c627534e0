import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../simulated/seeded-random.ts";
import { retryDelayMs, type RetryPolicy } from "./retry-schedule.ts";

const policy: RetryPolicy = { firstMs: 500, factor: 2, capMs: 60_000, floorMs: 100 };
const always = (value: number) => ({ next: () => value, bytes: () => new Uint8Array() });

describe("retry schedule", () => {
  test("the bound doubles up to the cap", () => {
    const bounds = [0, 1, 2, 6, 7, 50].map((attempt) => retryDelayMs(policy, attempt, always(1)));
    expect(bounds).toEqual([500, 1_000, 2_000, 32_000, 60_000, 60_000]);
  });

  test("jitter applies after the cap, so a fleet at the cap is spread over the whole range", () => {
    const random = new SeededRandom("fleet");
    const delays = Array.from({ length: 1_000 }, () => retryDelayMs(policy, 30, random));
    expect(Math.min(...delays)).toBeLessThan(3_000);
    expect(Math.max(...delays)).toBeGreaterThan(57_000);
    expect(new Set(delays).size).toBeGreaterThan(900);
  });

  test("delays are whole milliseconds between floor and cap at any attempt", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.double({ min: 0, max: 0.999999, noNaN: true }), (attempt, luck) => {
        const delayMs = retryDelayMs(policy, attempt, always(luck));
        expect(Number.isInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(policy.floorMs);
        expect(delayMs).toBeLessThanOrEqual(policy.capMs);
      }),
    );
  });

  test("a floor above the first bound applies", () => {
    expect(retryDelayMs({ ...policy, floorMs: 900 }, 0, always(0.5))).toBe(900);
  });
});
