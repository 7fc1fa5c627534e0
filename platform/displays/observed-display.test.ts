import { describe, expect, test } from "vitest";
import type { DisplayDriver, Order, Question, Told } from "../ports/display-driver.ts";
import { DISPLAY_PROPERTY_NAMES, type DisplayProperty, type DisplayStatus } from "../ports/display-properties.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../ports/reading.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { composedDriver } from "./composed-driver.ts";
import { ObservedDisplay } from "./observed-display.ts";
import type { Issue } from "../ports/result.ts";

const HEARD: Told = { attempted: true, acknowledged: true };
const SILENT: Told = { attempted: true, acknowledged: false, error: { code: "display.no-answer", message: "nobody answered" } };

/** A display on a made-up wire: it answers `state`, and `obey` handles its orders. */
function open(state: Partial<Record<DisplayProperty, unknown>>, obey: (property: DisplayProperty, value: unknown) => Told = () => HEARD, over: Partial<DisplayDriver> = {}) {
  const time = new VirtualTime();
  const asked: DisplayProperty[] = [];
  const driver = { ...wire(time, state, asked, obey), ...over };
  return { time, asked, state, driver, display: new ObservedDisplay(driver, { clock: time, timers: time }) };
}

function wire(time: VirtualTime, state: Partial<Record<DisplayProperty, unknown>>, asked: DisplayProperty[], obey: (property: DisplayProperty, value: unknown) => Told): DisplayDriver {
  const names = Object.keys(state) as DisplayProperty[];
  const read = (name: DisplayProperty): Reading<unknown> => {
    asked.push(name);
    const value = state[name];
    return typeof value === "object" && value !== null ? (value as Reading<unknown>) : seen(value, time.monotonicMs());
  };
  const questions = names.map((name): Question => ({ answers: [name], worstCaseMs: 100, ask: () => Promise.resolve({ [name]: read(name) } as Partial<DisplayStatus>) }));
  const orders = Object.fromEntries(names.map((name) => [name, { kind: "set", worstCaseMs: 50, say: (value: unknown) => Promise.resolve(obey(name, value)) }]));
  return { powerObservedBy: "panel", questions, orders };
}

describe("a display over a driver", () => {
  test("does not support what its wire lacks, and sends nothing for it", async () => {
    const { display, asked } = open({ power: "on" });
    expect(display.capabilities).toMatchObject({ readable: ["power"], settable: { power: {} } });
    expect(await display.set("mute", true)).toEqual({ attempted: false, observed: UNSUPPORTED, error: expect.objectContaining({ code: "display.unsupported" }) as unknown });
    const status = await display.status();
    expect(DISPLAY_PROPERTY_NAMES.filter((name) => status[name].kind === "unsupported")).toEqual(DISPLAY_PROPERTY_NAMES.filter((name) => name !== "power"));
    expect(asked).toEqual(["power"]);
  });

  test("is polled until it shows what was wanted", async () => {
    const { display, time, state } = open({ input: "hdmi-1" }, undefined);
    const order: Order<"input"> = { kind: "set", choices: ["hdmi-1", "hdmi-2"], worstCaseMs: 50, say: () => (time.after("late", 1_000, () => void (state.input = "hdmi-2")), Promise.resolve(HEARD)) };
    const slow = new ObservedDisplay({ ...wire(time, state, [], () => HEARD), orders: { input: order } }, { clock: time, timers: time });
    expect(await time.settled(slow.set("input", "hdmi-2"))).toEqual({ ...HEARD, observed: seen("hdmi-2", expect.any(Number) as number) });
    expect(time.monotonicMs()).toBeGreaterThanOrEqual(1_000);
    expect(display.worstCaseMs("input")).toBeGreaterThanOrEqual(time.monotonicMs());
  });

  test("is given up after its reaction time if it shows no reaction; while it changes it is given longer and is no failure", async () => {
    const stuck = open({ power: "standby" });
    expect(await stuck.time.settled(stuck.display.set("power", "on"))).toMatchObject({ acknowledged: true, observed: { value: "standby" }, error: { code: "display.not-obeyed" } });
    const warming = open({ power: "standby" }, () => ((warming.state.power = "turning-on"), HEARD));
    const startedMs = warming.time.monotonicMs();
    const effect = await warming.time.settled(warming.display.set("power", "on"));
    const tookMs = warming.time.monotonicMs() - startedMs;
    expect(effect).toMatchObject({ acknowledged: true, observed: { value: "turning-on" } });
    expect(effect.error).toBeUndefined();
    expect(warming.time.monotonicMs()).toBeGreaterThan(stuck.time.monotonicMs());
    expect(tookMs).toBeLessThanOrEqual(warming.display.worstCaseMs("power"));
  });

  test("does something else if it goes the other way", async () => {
    const { display, time } = open({ power: "turning-off" });
    expect(await time.settled(display.set("power", "on"))).toMatchObject({ observed: { value: "turning-off" }, error: { code: "display.not-obeyed" } });
  });

  test("obeys if the level is within its own steps, unless part of the order failed", async () => {
    const near = open({ brightness: 41 });
    expect((await near.time.settled(near.display.set("brightness", 40))).error).toBeUndefined();
    const error: Issue = { code: "display.no-answer", message: "1 of 2" };
    const half = open({ brightness: 41 }, () => ({ attempted: true, acknowledged: false, heardInPart: true, error }));
    expect(await half.time.settled(half.display.set("brightness", 40))).toMatchObject({ acknowledged: false, observed: { value: 41 }, error });
    const silence = open({ brightness: 1 });
    expect(await silence.time.settled(silence.display.set("brightness", 0))).toMatchObject({ error: { code: "display.not-obeyed" } });
  });

  test("is not observed after an order that nobody heard: an earlier state would look like its effect", async () => {
    const { display, asked } = open({ mute: true }, () => SILENT);
    expect(await display.set("mute", true)).toEqual({ attempted: true, acknowledged: false, observed: unknown("nobody answered"), error: SILENT.error });
    const error: Issue = { code: "display.unplugged", message: "no cable" };
    const unplugged = open({ mute: true }, () => ({ attempted: false, error }));
    expect(await unplugged.display.set("mute", true)).toEqual({ attempted: false, observed: failed(error), error });
    expect([...asked, ...unplugged.asked]).toEqual([]);
  });

  test("takes steps from its present level, and none if it does not report one", async () => {
    const steps: unknown[] = [];
    const order: Order<"volume"> = { kind: "step", worstCaseMs: 500, step: (from, to) => (steps.push([from, to]), (known.state.volume = to), Promise.resolve(HEARD)) };
    const known = open({ volume: 20 }, undefined, { orders: { volume: order } });
    expect(await known.time.settled(known.display.set("volume", 23))).toMatchObject({ observed: { value: 23 } });
    expect(steps).toEqual([[20, 23]]);
    const deaf = open({ volume: unknown("no answer") }, undefined, { orders: { volume: order } });
    expect(await deaf.display.set("volume", 23)).toEqual({ attempted: false, observed: unknown("no answer"), error: { code: "display.no-answer", message: "no answer" } });
    expect(steps).toHaveLength(1);
  });

  test("is believed on its acknowledgement for a property that can be set but not queried", async () => {
    const { display } = open({ mute: false }, undefined, { questions: [] });
    expect(await display.set("mute", true)).toEqual({ ...HEARD, observed: UNSUPPORTED });
  });
});

describe("a display on several wires", () => {
  test("uses the first wire that has the property, for queries and orders", async () => {
    const time = new VirtualTime();
    const told: string[] = [];
    const obey = (name: string) => (property: DisplayProperty): Told => (told.push(`${name} ${property}`), HEARD);
    const cec = { ...wire(time, { power: "on", volume: 10 }, [], obey("cec")), ownInput: "hdmi-1" };
    const both: Question = { answers: ["volume", "brightness"], worstCaseMs: 10, ask: () => Promise.resolve({ volume: seen(99, 0), brightness: seen(70, 0) }) };
    const panel: DisplayDriver = { ...wire(time, { volume: 99, brightness: 70 }, [], obey("panel")), questions: [both] };
    const display = new ObservedDisplay(composedDriver(cec, panel), { clock: time, timers: time });
    expect(display.capabilities).toEqual({ settable: { power: {}, volume: {}, brightness: {} }, readable: ["power", "brightness", "volume"], powerObservedBy: "panel", ownInput: "hdmi-1" });
    expect(await display.status()).toMatchObject({ power: { value: "on" }, volume: { value: 10 }, brightness: { value: 70 }, mute: UNSUPPORTED });
    await time.settled(Promise.all([display.set("volume", 10), display.set("brightness", 70)]));
    expect(told).toEqual(["cec volume", "panel brightness"]);
  });
});
