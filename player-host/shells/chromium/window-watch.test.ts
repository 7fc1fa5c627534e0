import { expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { WindowFinding } from "../../stage/shell.ts";
import type { CdpClient } from "../cdp/cdp-client.ts";
import type { OutputPower } from "../cdp/output-power.ts";
import { WindowWatch } from "./window-watch.ts";

const SCREEN = { width: 1280, height: 800 };
const FULL = { windowId: 1, left: 0, top: 0, ...SCREEN, windowState: "fullscreen" };
type Window = Omit<typeof FULL, "windowState"> & { readonly windowState: string };

/** A browser under a compositor, whose window is what the test says, and which notes what it is asked. */
function underACompositor(window: Window) {
  const time = new VirtualTime();
  const bench = { window, asked: [] as { readonly atMs: number; readonly bounds: object }[], found: [] as WindowFinding[], stuck: [] as string[], stop: new AbortController() };
  const startMs = time.monotonicMs();
  const cdp = {
    call: (method: string, { bounds = {} }: { readonly bounds?: object }) => {
      if (method === "Browser.setWindowBounds") bench.asked.push({ atMs: time.monotonicMs() - startMs, bounds });
      return Promise.resolve(method === "Browser.getWindowForTarget" ? { windowId: 1, bounds: bench.window } : {});
    },
  } as unknown as CdpClient;
  const look = (): string => JSON.stringify({ screen: SCREEN, usable: { left: 0, top: 0, ...SCREEN }, inner: SCREEN, outer: SCREEN, focused: true });
  const watch = new WindowWatch({
    cdp, targetId: "page", pid: 1, composed: true, x11: undefined, clock: time, timers: time, log: silentLog,
    outputs: { outputs: () => Promise.resolve(undefined) } as unknown as OutputPower,
    toFront: () => Promise.resolve(), evaluate: () => Promise.resolve(look()), pages: () => [],
    found: (finding) => bench.found.push(finding), stuck: (why) => bench.stuck.push(why),
  });
  void watch.run(bench.stop.signal);
  return { bench, time };
}

test("a window that is not in full screen yet is asked for it once, and gets the time to become so", async () => {
  const { bench, time } = underACompositor({ ...FULL, width: 1920, height: 1080, windowState: "normal" });
  await time.advance(1_500);
  // In full screen, and its size is still to come.
  bench.window = { ...FULL, width: 1920, height: 1080 };
  await time.advance(4_000);
  bench.window = FULL;
  await time.advance(20_000);
  expect(bench.asked).toEqual([{ atMs: 0, bounds: { windowState: "fullscreen" } }]);
  expect(bench.found.at(-1)).toEqual({ kind: "alone" });
  expect(bench.stuck).toEqual([]);
});

test("a window in full screen that the compositor does not size leaves full screen and returns, and no size is asked for", async () => {
  const { bench, time } = underACompositor({ ...FULL, width: 500, height: 46 });
  await time.advance(30_000);
  expect(bench.asked.map(({ bounds }) => bounds).slice(0, 2)).toEqual([{ windowState: "normal" }, { windowState: "fullscreen" }]);
  const pauses = bench.asked.filter((_, at) => at % 2 === 0).map(({ atMs }) => atMs);
  expect(pauses.length).toBeGreaterThan(1);
  for (const [at, atMs] of pauses.entries()) expect(atMs - (pauses[at - 1] ?? 0)).toBeGreaterThanOrEqual(8_000);
});

test("one that stays so for a minute gets a new browser, and again after another minute", async () => {
  const { bench, time } = underACompositor({ ...FULL, width: 500, height: 46 });
  await time.advance(59_000);
  expect(bench.stuck).toEqual([]);
  await time.advance(6_000);
  expect(bench.stuck).toEqual(["window.size: the window is 500×46 on a screen of 1280×800"]);
  await time.advance(70_000);
  expect(bench.stuck).toHaveLength(2);
});
