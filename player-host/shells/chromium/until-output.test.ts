import { expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { SimulatedCompositor } from "../../../platform/simulated/simulated-compositor.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { OutputPower } from "../cdp/output-power.ts";
import { untilOutput } from "./until-output.ts";

function setUp() {
  const time = new VirtualTime();
  const compositor = new SimulatedCompositor(time);
  const told: string[] = [];
  const stop = new AbortController();
  const start = (): { done: boolean } => {
    const state = { done: false };
    void untilOutput({ outputs: new OutputPower({ compositor, clock: time, timers: time, log: silentLog }), timers: time, log: silentLog, waits: (says) => told.push(says) }, stop.signal).then(() => (state.done = true));
    return state;
  };
  return { time, compositor, told, stop, start };
}

test("a browser waits for an output all night, says so, and starts when one is enabled", async () => {
  const { time, compositor, told, start } = setUp();
  const output = compositor.outputsByName.get("HDMI-A-1");
  if (output !== undefined) output.enabled = false;
  const waiting = start();
  await time.advance(10 * 3_600_000);
  expect([waiting.done, told[0], told.length > 1_000]).toEqual([false, "HDMI-A-1 is disabled", true]);
  if (output !== undefined) output.enabled = true;
  await time.advance(2_000);
  expect(waiting.done).toBe(true);
  expect(time.pending()).toEqual([]);
});

test("an output that is switched off but enabled, and a compositor that does not answer, do not hold the browser back", async () => {
  const { time, compositor, told, start } = setUp();
  const output = compositor.outputsByName.get("HDMI-A-1");
  if (output !== undefined) output.power = "off";
  const behind = start();
  await time.advance(0);
  compositor.mood = "gone";
  const without = start();
  await time.advance(0);
  expect([behind.done, without.done, told]).toEqual([true, true, []]);
});

test("stopping ends the wait at once", async () => {
  const { time, compositor, stop, start } = setUp();
  compositor.unplug("HDMI-A-1");
  const waiting = start();
  await time.advance(3_000);
  stop.abort();
  await time.advance(0);
  expect(waiting.done).toBe(true);
  expect(time.pending()).toEqual([]);
});
