import { describe, expect, test } from "vitest";
import { displayConformance } from "../../ports/display.conformance.ts";
import { virtualBenchTime } from "../../ports/testing/bench.ts";
import { SimulatedCompositor, type CompositorMood } from "../../simulated/simulated-compositor.ts";
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
    expect(display.capabilities).toMatchObject({ powerObservedBy: "output", settable: { power: {}, orientation: {} }, readable: ["power", "orientation"] });
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

describe("in the configuration", () => {
  const attach = (text: string, compositor?: SimulatedCompositor) => {
    const time = new VirtualTime();
    const cec = { send: () => Promise.resolve({ ok: true, value: { acknowledged: true } } as const) };
    return attachDisplays(text, { clock: time, timers: time, cec, drivers: DISPLAY_DRIVERS, ...(compositor && { compositor }) });
  };

  test("cec+output takes the power from HDMI-CEC and the orientation from the compositor", async () => {
    const compositor = new SimulatedCompositor(new VirtualTime());
    const { displays, issues } = await attach("name=main,driver=cec+output", compositor);
    expect(issues).toEqual([]);
    expect(displays[0]).toMatchObject({ driver: "cec+output", display: { capabilities: { powerObservedBy: "panel", readable: ["power", "input", "volume", "mute", "orientation"] } } });
    expect(await displays[0]?.display.set("orientation", 180)).toMatchObject({ observed: { value: 180 } });
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
