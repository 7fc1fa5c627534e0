import { expect, test } from "vitest";
import { FramePage } from "./frame-page.ts";

test("counts the frames of an interval and the longest time without one, its ends included, and tells a reload", async () => {
  const page = await FramePage.start();
  try {
    const send = (load: string, times: readonly number[]) => fetch(`${page.url}frames`, { method: "POST", body: JSON.stringify({ load, times }) });
    expect(await (await fetch(page.url)).text()).toContain("requestAnimationFrame");
    await send("a", [1_000, 1_016, 1_032]);
    // The order of arrival is not that of the frames.
    await send("a", [1_100]);
    await send("a", [1_048]);
    expect(page.between(1_000, 1_100)).toEqual({ frames: 5, longestMs: 52, loads: ["a"] });
    await send("b", [1_300]);
    expect(page.between(1_040, 1_500)).toEqual({ frames: 3, longestMs: 200, loads: ["a", "b"] });
    expect(page.between(2_000, 2_600)).toEqual({ frames: 0, longestMs: 600, loads: [] });
  } finally {
    await page.stop();
  }
});
