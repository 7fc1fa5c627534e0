import { expect, test } from "vitest";
import { compositorConformance, type CompositorBench } from "../ports/compositor.conformance.ts";
import { virtualBenchTime } from "../ports/testing/bench.ts";
import type { OutputMode } from "../ports/outputs.ts";
import { SimulatedCompositor, type CompositorMood } from "./simulated-compositor.ts";
import { VirtualTime } from "./virtual-time.ts";

function bench(mood: "normal" | "without-power", modes?: readonly OutputMode[]): CompositorBench {
  const time = new VirtualTime();
  const compositor = new SimulatedCompositor(time);
  compositor.plug("HDMI-A-1", modes);
  compositor.mood = mood;
  const become = (next: CompositorMood) => () => {
    compositor.mood = next;
    return Promise.resolve();
  };
  return {
    compositor,
    time: virtualBenchTime(time),
    output: "HDMI-A-1",
    plug: () => {
      compositor.plug("HDMI-A-2");
      return Promise.resolve("HDMI-A-2");
    },
    unplug: () => {
      compositor.unplug("HDMI-A-2");
      return Promise.resolve();
    },
    stop: become("gone"),
    start: become(mood),
    close: () => Promise.resolve(),
  };
}

compositorConformance("simulated", () => Promise.resolve(bench("normal")), { power: true, hotPlug: true, modes: "listed" });
compositorConformance("simulated, headless", () => Promise.resolve(bench("normal", [])), { power: true, hotPlug: true, modes: "any" });
compositorConformance("simulated, without output power", () => Promise.resolve(bench("without-power")), { power: false, hotPlug: true, modes: "listed" });

test("a compositor that ignores changes accepts them and makes none", async () => {
  const compositor = new SimulatedCompositor(new VirtualTime());
  compositor.mood = "ignoring";
  expect(await compositor.setPower("HDMI-A-1", "off")).toEqual({ ok: true, value: undefined });
  expect(compositor.outputsByName.get("HDMI-A-1")?.power).toBe("on");
});
