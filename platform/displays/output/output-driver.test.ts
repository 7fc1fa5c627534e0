import { describe, expect, test } from "vitest";
import { displayConformance } from "../../ports/display.conformance.ts";
import type { OutputMode } from "../../ports/outputs.ts";
import { virtualBenchTime } from "../../ports/testing/bench.ts";
import { modeText } from "../../ports/video-mode.ts";
import { SimulatedCompositor, type CompositorMood } from "../../simulated/simulated-compositor.ts";
import { TV_MODES } from "../../simulated/tv-modes.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { attachDisplays } from "../attach-displays.ts";
import { DISPLAY_DRIVERS } from "../drivers.ts";
import { ObservedDisplay } from "../observed-display.ts";
import { OutputDriver } from "./output-driver.ts";

function open(mood: CompositorMood = "normal", output?: string) {
  const time = new VirtualTime();
  const compositor = new SimulatedCompositor(time);
  compositor.mood = mood;
  return { time, compositor, display: new ObservedDisplay(new OutputDriver(compositor, output), { clock: time, timers: time }) };
}

displayConformance(
  "by its output",
  () => {
    const { display, time } = open();
    return Promise.resolve({ display, time: virtualBenchTime(time), close: () => Promise.resolve() });
  },
  { moods: false, obedient: true },
);

describe("a display that is switched by its output", () => {
  test("goes to standby when the output's power is off, and the output is never disabled", async () => {
    const { display, compositor } = open();
    expect(await display.set("power", "standby")).toEqual({ attempted: true, acknowledged: true, observed: { kind: "ok", value: "standby", atMs: 1_000 } });
    expect(compositor.outputsByName.get("HDMI-A-1")).toMatchObject({ power: "off", enabled: true });
    expect(display.capabilities).toMatchObject({ powerObservedBy: "output", settable: { power: {}, orientation: {}, mode: {} }, readable: ["power", "orientation", "mode"] });
  });

  test("is turned while it is off, and stays off", async () => {
    const { display, compositor } = open();
    await display.set("power", "standby");
    expect(await display.set("orientation", 270)).toMatchObject({ acknowledged: true, observed: { value: 270 } });
    expect(compositor.outputsByName.get("HDMI-A-1")).toMatchObject({ power: "off", orientation: 270 });
  });

  test("without a configured output it is the first that is enabled, also after the cable moved", async () => {
    const { display, compositor } = open();
    compositor.plug("HDMI-A-2");
    compositor.unplug("HDMI-A-1");
    await display.set("orientation", 90);
    expect(compositor.outputsByName.get("HDMI-A-2")).toMatchObject({ orientation: 90 });
  });

  test.each<[string, CompositorMood, string | undefined, string]>([
    ["no compositor runs", "gone", undefined, "compositor.gone"],
    ["the output is not there", "normal", "DP-9", "compositor.no-such-output"],
    ["the compositor has no output power", "without-power", "HDMI-A-1", "compositor.unsupported"],
  ])("says that nothing was tried when %s", async (_what, mood, output, code) => {
    const { display } = open(mood, output);
    expect(await display.set("power", "standby")).toMatchObject({ attempted: false, error: { code } });
    const { power } = await display.status();
    expect(power).toMatchObject(code === "compositor.unsupported" ? { kind: "unsupported" } : { kind: "failed", error: { code } });
  });

  test("does not believe an acknowledgement: what was asked for is read back", async () => {
    const { display, time } = open("ignoring");
    expect(await time.settled(display.set("power", "standby"))).toMatchObject({ acknowledged: true, observed: { value: "on" }, error: { code: "display.not-obeyed" } });
  });
});

describe("the video mode", () => {
  const MODE_120: OutputMode = { width: 1_920, height: 1_080, refreshHz: 120 };

  test.each([
    ["by size and rate", "1280x720@50", "1280x720@50"],
    ["at the nearer of two rates", "1920x1080@59.95", "1920x1080@59.94"],
    ["without a rate at the highest one", "1280x720", "1280x720@60"],
    ["without a rate as it is, if it has the size", "1920x1080", "1920x1080@50"],
  ])("is chosen %s", async (_how, wanted, observed) => {
    const { display, compositor, time } = open();
    await display.set("mode", "1920x1080@50");
    await display.set("orientation", 90);
    expect(await time.settled(display.set("mode", wanted))).toEqual({ attempted: true, acknowledged: true, observed: { kind: "ok", value: observed, atMs: expect.any(Number) as number } });
    expect(modeText(compositor.outputsByName.get("HDMI-A-1")?.mode ?? MODE_120)).toBe(observed);
    expect(compositor.outputsByName.get("HDMI-A-1")).toMatchObject({ power: "on", orientation: 90 });
  });

  test("is refused with the modes of the output that is connected now, and nothing is set", async () => {
    const { display, compositor } = open();
    await display.status();
    compositor.plug("HDMI-A-1", [MODE_120]);
    expect(await display.set("mode", "1920x1080@60")).toMatchObject({ attempted: false, error: { code: "display.no-such-mode", message: "this display has no mode 1920x1080@60", hint: "It has 1920x1080@120." } });
    expect(await display.set("mode", "1920x1080")).toMatchObject({ observed: { value: "1920x1080@120" } });
  });

  test("has the choices of the last look, and none while no compositor answers", async () => {
    const { display, compositor } = open();
    expect(display.choices?.()).toEqual({});
    await display.status();
    expect(display.choices?.()).toEqual({ mode: TV_MODES.map(modeText) });
    compositor.plug("HDMI-A-1", [MODE_120]);
    await display.status();
    expect(display.choices?.()).toEqual({ mode: ["1920x1080@120"] });
    compositor.mood = "gone";
    expect((await display.status()).mode).toMatchObject({ kind: "failed", error: { code: "compositor.gone" } });
    expect(display.choices?.()).toEqual({});
  });

  test("is any up to 8192 pixels a side on an output without a list", async () => {
    const { display, compositor } = open();
    compositor.plug("HDMI-A-1", []);
    expect(await display.set("mode", "1366x768@59.94")).toMatchObject({ acknowledged: true, observed: { value: "1366x768@59.94" } });
    expect(await display.set("mode", "8192x8192")).toMatchObject({ observed: { value: "8192x8192@59.94" } });
    expect(await display.set("mode", "8193x1080")).toMatchObject({ attempted: false, error: { code: "display.no-such-mode", hint: "It has any mode up to 8192x8192." } });
    expect(display.choices?.()).toEqual({});
  });

  test("is changed while the output is off, and it stays off", async () => {
    const { display, compositor } = open();
    await display.set("power", "standby");
    expect(await display.set("mode", "1280x720@50")).toMatchObject({ acknowledged: true, observed: { value: "1280x720@50" } });
    expect(compositor.outputsByName.get("HDMI-A-1")).toMatchObject({ power: "off", mode: { width: 1_280 } });
  });

  test("that the output does not take up is no success", async () => {
    const { display, time } = open("ignoring");
    expect(await time.settled(display.set("mode", "1280x720@50"))).toMatchObject({ acknowledged: true, observed: { value: "1920x1080@60" }, error: { code: "display.not-obeyed" } });
  });
});

describe("in the configuration", () => {
  const attach = (text: string, compositor?: SimulatedCompositor) => {
    const time = new VirtualTime();
    const cec = { send: () => Promise.resolve({ ok: true, value: { acknowledged: true } } as const) };
    return attachDisplays(text, { clock: time, timers: time, cec, drivers: DISPLAY_DRIVERS, ...(compositor && { compositor }) });
  };

  test("cec+output takes the power from HDMI-CEC, orientation and mode from the compositor", async () => {
    const compositor = new SimulatedCompositor(new VirtualTime());
    const { displays, issues } = await attach("name=main,driver=cec+output", compositor);
    expect(issues).toEqual([]);
    expect(displays[0]).toMatchObject({ driver: "cec+output", display: { capabilities: { powerObservedBy: "panel", readable: ["power", "input", "volume", "mute", "orientation", "mode"] } } });
    expect(await displays[0]?.display.set("orientation", 180)).toMatchObject({ observed: { value: 180 } });
    expect(await displays[0]?.display.set("mode", "3840x2160")).toMatchObject({ observed: { value: "3840x2160@30" } });
    expect(displays[0]?.display.choices?.().mode).toContain("3840x2160@30");
    await displays[0]?.display.set("power", "standby");
    expect(compositor.outputsByName.get("HDMI-A-1")).toMatchObject({ power: "on", orientation: 180 });
  });

  test("without a compositor the display is refused and says what to set", async () => {
    const { issues } = await attach("name=main,driver=output");
    expect(issues).toMatchObject([{ code: "display.driver-unavailable", hint: "set compositor.socket" }]);
  });

  test.each(["cec+cec", "cec+", "cec+laser", "+"])("%s is no driver", async (driver) => {
    const { issues } = await attach(`name=main,driver=${driver}`, new SimulatedCompositor(new VirtualTime()));
    expect(issues).toMatchObject([{ code: "display.unknown-driver" }]);
  });
});
