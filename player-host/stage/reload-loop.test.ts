import { describe, expect, test } from "vitest";
import { loopEveryMs, withReload, type OwnReloads } from "./reload-loop.ts";

function reloading(everyMs: number, times: number): { readonly reloads: OwnReloads; readonly lastMs: number } {
  let reloads: OwnReloads = [];
  let lastMs = 0;
  for (let at = 1; at <= times; at += 1) {
    lastMs = at * everyMs;
    reloads = withReload(reloads, lastMs);
  }
  return { reloads, lastMs };
}

describe("a page that reloads itself", () => {
  test.each([300, 5_000, 10_000])("every %i ms is in a loop from the eighth reload on, and the rate is reported", (everyMs) => {
    expect(loopEveryMs(reloading(everyMs, 7).reloads, 7 * everyMs)).toBe(undefined);
    const { reloads, lastMs } = reloading(everyMs, 100);
    expect(loopEveryMs(reloads, lastMs)).toBeCloseTo(everyMs);
    expect(reloads).toHaveLength(8);
  });

  test("every half minute or less often is not in a loop", () => {
    for (const everyMs of [30_000, 60_000, 3_600_000]) {
      const { reloads, lastMs } = reloading(everyMs, 100);
      expect(loopEveryMs(reloads, lastMs)).toBe(undefined);
    }
  });

  test("is out of the loop once it stays for a minute", () => {
    const { reloads, lastMs } = reloading(5_000, 20);
    expect([loopEveryMs(reloads, lastMs + 59_000), loopEveryMs(reloads, lastMs + 61_000)]).toEqual([5_000, undefined]);
  });
});
