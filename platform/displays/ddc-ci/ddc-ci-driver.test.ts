import { describe, expect, test } from "vitest";
import type { OpenDdc } from "../../ports/ddc.ts";
import { displayConformance } from "../../ports/display.conformance.ts";
import { fail, ok } from "../../ports/result.ts";
import { virtualBenchTime } from "../../ports/testing/bench.ts";
import { VirtualTime } from "../../simulated/virtual-time.ts";
import { attachDisplays } from "../attach-displays.ts";
import type { DriverTable } from "../drivers.ts";
import { openDdcCi, openDdcCiWithPower } from "./open-ddc-ci.ts";
import { MonitorStandIn, type MonitorMood } from "./testing/monitor-stand-in.ts";

/** Loaded, because virtual time does not wait for a file. */
const DRIVERS: DriverTable = { "ddc-ci": () => Promise.resolve(openDdcCi), "ddc-ci-power": () => Promise.resolve(openDdcCiWithPower) };

async function open(options: { readonly driver?: string; readonly change?: (monitor: MonitorStandIn) => void } = {}) {
  const time = new VirtualTime();
  const monitor = new MonitorStandIn(time);
  options.change?.(monitor);
  const asked: unknown[] = [];
  const openDdc: OpenDdc = (where) => (asked.push(where), Promise.resolve(ok(monitor)));
  const { displays, issues, close } = await time.settled(attachDisplays(`name=desk,driver=${options.driver ?? "ddc-ci"},output=HDMI-A-1`, { clock: time, timers: time, openDdc, drivers: DRIVERS }));
  const [attached] = displays;
  if (attached === undefined) throw new Error("no display");
  monitor.heard.length = 0;
  return { time, monitor, asked, issues, close, display: attached.display };
}

displayConformance("DDC/CI, a stand-in that speaks its bytes", async () => {
  const { time, monitor, display, close } = await open({ driver: "ddc-ci-power" });
  return { display, time: virtualBenchTime(time), setMood: (mood) => void (monitor.mood = mood as MonitorMood), close };
}, { moods: true, refuses: false });

const SETS = 0x03;

describe("a monitor on DDC/CI", () => {
  test("is opened on the wires of its output, and offers the inputs that it lists", async () => {
    const { asked, issues, display } = await open();
    expect([asked, issues]).toEqual([[{ output: "HDMI-A-1" }], []]);
    expect(display.capabilities.settable.input?.choices).toEqual(["vga-1", "displayport-1", "hdmi-1"]);
  });

  test("reports its power and does not switch it unless the driver says so", async () => {
    const { time, monitor, display } = await open();
    expect((await time.settled(display.status())).power).toMatchObject({ kind: "ok", value: "on" });
    expect(await time.settled(display.set("power", "standby"))).toMatchObject({ attempted: false, error: { code: "display.unsupported" } });
    expect(monitor.heard.filter(([, , opcode]) => opcode === SETS)).toEqual([]);
  });

  test.each([
    ["D6(01 02 03 04 05)", 2],
    ["D6(01 03 05)", 3],
    ["D6(01 04 05)", 4],
    ["D6(01 05)", 2],
    ["D6", 2],
  ])("of %s goes to standby by mode %d, never by the one that only its button undoes", async (listed, mode) => {
    const { time, monitor, display } = await open({ driver: "ddc-ci-power", change: (each) => void (each.capabilities = `(vcp(10 ${listed}))`) });
    await time.settled(display.set("power", "standby"));
    expect(monitor.features.get(0xd6)?.value).toBe(mode);
  });

  test("is told to come on although it answers nothing", async () => {
    const { time, monitor, display } = await open({ driver: "ddc-ci-power" });
    monitor.mood = "null";
    expect(await time.settled(display.set("power", "on"))).toMatchObject({ attempted: true, acknowledged: true, observed: { kind: "unknown" } });
    expect(monitor.heard[0]).toEqual([0x51, 0x84, 0x03, 0xd6, 0x00, 0x01, 0x6f]);
  });

  test("keeps to its own scale", async () => {
    const { time, monitor, display } = await open({ change: (each) => void each.features.set(0x10, { value: 0, max: 250 }) });
    expect(await time.settled(display.set("brightness", 42))).toMatchObject({ acknowledged: true, observed: { value: 42 } });
    expect(monitor.features.get(0x10)?.value).toBe(105);
  });

  test("with a scale of few steps obeys by the nearest one", async () => {
    const { time, monitor, display } = await open({ change: (each) => void each.features.set(0x10, { value: 0, max: 5 }) });
    const effect = await time.settled(display.set("brightness", 37));
    expect([effect.error, effect.observed, monitor.features.get(0x10)?.value]).toMatchObject([undefined, { kind: "ok", value: 37 }, 2]);
  });

  test("without a volume control says so, and is not sent one", async () => {
    const { time, monitor, display } = await open({ change: (each) => void each.features.delete(0x62) });
    expect((await time.settled(display.status())).volume).toEqual({ kind: "unsupported" });
    monitor.heard.length = 0;
    expect(await time.settled(display.set("volume", 10))).toMatchObject({ attempted: false, error: { code: "display.unsupported" } });
    expect(monitor.heard.filter(([, , opcode]) => opcode === SETS)).toEqual([]);
  });

  test("that answers for what it does not have is not believed", async () => {
    const { time, display } = await open({ change: (each) => void each.features.set(0x62, { value: 0, max: 0 }).set(0x10, { value: 120, max: 100 }).set(0x8d, { value: 0, max: 0 }).set(0xd6, { value: 0, max: 0 }) });
    const status = await time.settled(display.status());
    expect([status.volume, status.brightness, status.mute, status.power].map(({ kind }) => kind)).toEqual(["unknown", "unknown", "unknown", "unknown"]);
    expect(status.input).toMatchObject({ value: "hdmi-1" });
  });

  test("that keeps other things in the upper byte of a choice is understood", async () => {
    const { time, display } = await open({ change: (each) => void each.features.set(0x60, { value: 0x0f_11, max: 0 }).set(0xd6, { value: 0xaa_04, max: 0 }) });
    expect(await time.settled(display.status())).toMatchObject({ input: { value: "hdmi-1" }, power: { value: "standby" } });
  });

  test.each<MonitorMood>(["garbage", "null"])("whose answers are worthless (%s) has unknown properties, within the time promised", async (mood) => {
    const { time, monitor, display } = await open();
    monitor.mood = mood;
    const startedMs = time.monotonicMs();
    expect((await time.settled(display.status())).brightness).toMatchObject({ kind: "unknown" });
    expect(time.monotonicMs() - startedMs).toBeLessThanOrEqual(display.worstCaseMs());
    expect(await time.settled(display.set("volume", 10))).toMatchObject({ attempted: false, acknowledged: false, error: { code: "display.no-answer" } });
  });

  test("that answers the question before is asked again until it answers this one", async () => {
    const { time, monitor, display } = await open();
    monitor.mood = "late";
    expect(await time.settled(display.set("volume", 10))).toMatchObject({ acknowledged: true, observed: { kind: "ok", value: 10 } });
    expect(await time.settled(display.status())).toMatchObject({ brightness: { value: 75 }, mute: { value: false }, input: { value: "hdmi-1" } });
  });

  test("behind a bus that hangs fails with the bus's error", async () => {
    const { time, monitor, display } = await open();
    monitor.mood = "hanging";
    expect(await time.settled(display.set("brightness", 10))).toMatchObject({ attempted: false, observed: { kind: "failed" }, error: { code: "ddc.bus" } });
    expect((await time.settled(display.status())).power).toMatchObject({ kind: "failed", error: { code: "ddc.bus" } });
  });

  test("that does not answer at the start is offered the usual inputs and works once it answers", async () => {
    const { time, monitor, display, issues } = await open({ change: (each) => void (each.mood = "deaf") });
    expect([issues, display.capabilities.settable.input?.choices?.slice(0, 2)]).toEqual([[], ["hdmi-1", "hdmi-2"]]);
    monitor.mood = "normal";
    expect(await time.settled(display.set("brightness", 20))).toMatchObject({ acknowledged: true, observed: { value: 20 } });
  });

  test("on a machine without DDC wires, or whose bus cannot be opened, keeps its place and says why", async () => {
    const time = new VirtualTime();
    const attach = async (openDdc?: OpenDdc) => (await attachDisplays("name=desk,driver=ddc-ci", { clock: time, timers: time, drivers: DRIVERS, ...(openDdc && { openDdc }) })).issues;
    expect([await attach(), await attach(() => Promise.resolve(fail("ddc.no-access", "no")))]).toMatchObject([[{ code: "display.driver-unavailable" }], [{ code: "ddc.no-access", message: "desk: no" }]]);
  });
});
