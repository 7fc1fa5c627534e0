import { expect, test } from "vitest";
import { FramePage } from "./frame-page.ts";

test("counts the frames of an interval, those left out, and the longest time without one, its ends included, and tells a reload", async () => {
  const page = await FramePage.start();
  try {
    const send = (load: string, times: readonly number[]) => fetch(`${page.url}frames`, { method: "POST", body: JSON.stringify({ load, times }) });
    expect(await (await fetch(page.url)).text()).toContain("requestAnimationFrame");
    await send("a", [1_000, 1_016, 1_032]);
    // The order of arrival is not that of the frames.
    await send("a", [1_100]);
    await send("a", [1_048]);
    expect(page.between(1_000, 1_100)).toEqual({ frames: 5, lost: 2, longestMs: 52, loads: ["a"] });
    await send("b", [1_300]);
    expect(page.between(1_040, 1_500)).toMatchObject({ frames: 3, longestMs: 200, loads: ["a", "b"] });
    expect(page.between(2_000, 2_600)).toMatchObject({ frames: 0, longestMs: 600, loads: [] });
  } finally {
    await page.stop();
  }
});

test.each([
  ["that come unevenly are not lost", [0, 15, 32, 47, 64, 80], 0],
  ["that are left out are lost, also at half the rate", [0, 33, 66, 99, 165, 198, 297], 3],
])("frames %s", async (_what, times, lost) => {
  const page = await FramePage.start();
  try {
    await fetch(`${page.url}frames`, { method: "POST", body: JSON.stringify({ load: "a", times }) });
    expect(page.between(0, times.at(-1) ?? 0).lost).toBe(lost);
    // An interval without a frame lost them all.
    expect(page.between(10_000, 10_000 + 10 * page.usualMs).lost).toBe(9);
  } finally {
    await page.stop();
  }
});
