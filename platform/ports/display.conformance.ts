import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareDisplayValue, DISPLAY_PROPERTY_NAMES, propertyRow, type DisplayProperty, type DisplayStatus } from "./display-properties.ts";
import type { Display } from "./display.ts";
import type { Effect, Reading } from "./reading.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";
import { examplesOf } from "./testing/display-examples.ts";

export type BenchMood = "normal" | "deaf" | "slow" | "lying" | "refusing" | "unplugged";

export interface DisplayBench {
  readonly display: Display;
  readonly time: BenchTime;
  /** Sets the display's mood. Absent on real hardware. */
  readonly setMood?: (mood: BenchMood) => void;
  close(): Promise<void>;
}

export interface DisplaySuiteOptions {
  /** Whether the display's mood can be set. */
  readonly moods: boolean;
  readonly obedient?: true;
  /** False if the protocol has no message for a refusal. */
  readonly refuses?: false;
}

/**
 * The suite for every display on any wire; covers the whole table of properties. The display starts on, obedient and showing
 * an input.
 */
export function displayConformance(name: string, open: () => Promise<DisplayBench>, options: DisplaySuiteOptions): void {
  describe(`Display: ${name}`, () => {
    let bench: DisplayBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    /** The effect, after checking that it came within the property's promised time. */
    const set: Setter = async (property, value) => {
      const { display, time } = bench;
      const startedMs = time.clock.monotonicMs();
      const effect = await time.settled(display.set(property, value as never));
      // Refusing takes no time but that of a real clock.
      if (settableOf(display).includes(property)) expect(time.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(display.worstCaseMs(property));
      return effect;
    };
    const look = async (): Promise<DisplayStatus> => {
      const { display, time } = bench;
      const startedMs = time.clock.monotonicMs();
      const status = await time.settled(display.status());
      expect(time.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(display.worstCaseMs());
      return status;
    };
    const kit: Kit = { bench: () => bench, set, look };

    obedience(kit);
    refusals(kit);
    if (options.moods && options.refuses !== false) refusingMood(kit);
    if (options.moods) moods(kit);
    else if (options.obedient !== true) reportSkipped(`Display: ${name}: deaf, slow, lying, refusing and unplugged displays`, "real hardware has only its own mood");
  });
}

type Setter = (property: DisplayProperty, value: unknown) => Promise<Effect>;
interface Kit {
  readonly bench: () => DisplayBench;
  readonly set: Setter;
  readonly look: () => Promise<DisplayStatus>;
}

/** Readings of every property that the display declares readable. */
export function readingsOf(display: Display, status: DisplayStatus): readonly Reading<unknown>[] {
  return display.capabilities.readable.map((property) => status[property]);
}

function settableOf({ capabilities }: Display): readonly DisplayProperty[] {
  return DISPLAY_PROPERTY_NAMES.filter((property) => capabilities.settable[property] !== undefined);
}

/** The values that this display accepts, else examples for the property. */
function valuesOf(property: DisplayProperty, { capabilities, choices }: Display): readonly unknown[] {
  return capabilities.settable[property]?.choices ?? choices?.()[property] ?? examplesOf(property);
}

/** Values that this display does not accept. */
function wrongValuesOf(property: DisplayProperty, { choices }: Display): readonly unknown[] {
  const { type } = propertyRow(property);
  switch (type.kind) {
    case "percent":
      return [-1, 101, 50.5, Number.NaN, Number.POSITIVE_INFINITY, "40"];
    case "flag":
      return [1, "true"];
    case "name":
      return ["no-such-name", "__proto__", ""];
    case "choice":
      return [...Object.keys(type.transitional), "no-such-value", "__proto__"];
    case "degrees":
      return [45, 360, "90"];
    case "mode":
      return ["1920x1080@", "1920x1080@60Hz", "1920 x 1080", "01920x1080", "1920x1080@0", "1920x1080@59.9401", "-1x1", "x", "", "__proto__", 1_080, ...(choices?.().mode === undefined ? [] : ["123x45", "1920x1080@61"])];
  }
}

/** For each settable property, a value that nobody takes for the present one. */
async function changesOf({ bench, look }: Kit): Promise<readonly (readonly [DisplayProperty, unknown])[]> {
  const { display } = bench();
  const status: Readonly<Record<string, Reading<unknown>>> = await look();
  return settableOf(display).map((property) => {
    const now = status[property];
    return [property, valuesOf(property, display).find((value) => now?.kind === "ok" && compareDisplayValue(property, value, now.value) === "different")] as const;
  });
}

function withoutTime(status: DisplayStatus): unknown {
  return DISPLAY_PROPERTY_NAMES.map((property) => ({ ...status[property], atMs: 0 }));
}

function obedience({ bench, set, look }: Kit): void {
  test("reports its state, each fact separately with the time of observation", async () => {
    const before = bench().time.clock.monotonicMs();
    const status = await look();
    expect(status.power).toMatchObject({ kind: "ok", value: "on" });
    const { readable } = bench().display.capabilities;
    for (const property of DISPLAY_PROPERTY_NAMES) {
      const reading = status[property];
      expect([property, readable.includes(property) ? ["ok", "unsupported", "unknown", "failed"] : ["unsupported"]]).toEqual([property, expect.arrayContaining([reading.kind])]);
      expect(reading.kind === "ok" ? reading.atMs : before).toBeGreaterThanOrEqual(before);
    }
  });

  test("turns off and on again, and reports what it observed", async () => {
    for (const value of ["standby", "on"]) {
      expect(await set("power", value)).toMatchObject({ attempted: true, acknowledged: true, observed: { kind: "ok", value } });
    }
  });

  test("accepts a repeated order", async () => {
    await set("power", "on");
    expect(await set("power", "on")).toMatchObject({ attempted: true, observed: { value: "on" } });
  });

  test("accepts every value of properties it declares settable, up to the ends of the range, and reads them back", async () => {
    const { display } = bench();
    // Choices that change are known once the display was observed.
    await look();
    for (const property of settableOf(display)) {
      for (const value of valuesOf(property, display)) {
        expect([property, await set(property, value)]).toMatchObject([property, { attempted: true, observed: { kind: "ok", value } }]);
        expect([property, (await look())[property]]).toMatchObject([property, { kind: "ok", value }]);
      }
    }
  });

  test("reports other properties as unsupported and not attempted", async () => {
    const { display } = bench();
    const others = DISPLAY_PROPERTY_NAMES.filter((property) => !settableOf(display).includes(property));
    for (const property of others) {
      const effect = await set(property, examplesOf(property)[0]);
      expect([property, effect]).toMatchObject([property, { attempted: false, observed: { kind: "unsupported" }, error: { code: "display.unsupported" } }]);
    }
  });

  test("keeps concurrent calls apart: the last one wins and each gets its own answer", async () => {
    const { display, time } = bench();
    const percents = settableOf(display).filter((property) => propertyRow(property).type.kind === "percent");
    for (const property of percents) {
      const setTo = (percent: number): Promise<Effect> => display.set(property, percent);
      const all = Promise.all([setTo(20), setTo(60), display.status(), setTo(40)]);
      const [first, second, between, last] = await time.settled(all);
      expect([first, second, last].map((effect) => effect.observed)).toMatchObject([{ value: 20 }, { value: 60 }, { value: 40 }]);
      expect(between[property]).toMatchObject({ value: 60 });
    }
  });
}

function refusals({ bench, set, look }: Kit): void {
  test.each(DISPLAY_PROPERTY_NAMES)("%s: refuses an invalid value instead of adjusting it, and changes nothing", async (property) => {
    const before = await look();
    for (const value of wrongValuesOf(property, bench().display)) {
      const effect = await set(property, value);
      const code = settableOf(bench().display).includes(property) ? propertyRow(property).noSuchValueCode : "display.unsupported";
      expect([value, effect]).toMatchObject([value, { attempted: false, error: { code } }]);
      expect(effect.observed.kind).not.toBe("ok");
    }
    expect(withoutTime(await look())).toEqual(withoutTime(before));
  });
}

function moods(kit: Kit): void {
  const { bench, set, look } = kit;

  test("deaf: acknowledges nothing and claims no observation", async () => {
    const changes = await changesOf(kit);
    bench().setMood?.("deaf");
    for (const [property, value] of changes) {
      const effect = await set(property, value);
      expect(effect.acknowledged).not.toBe(true);
      expect(effect.observed.kind).toBe("unknown");
      expect(effect.error?.code).toBe("display.no-answer");
    }
    for (const reading of readingsOf(bench().display, await look())) expect(reading.kind).toBe("unknown");
  });

  test("lying: acknowledges, but the observation is the truth", async () => {
    const before = await look();
    const changes = await changesOf(kit);
    bench().setMood?.("lying");
    for (const [property, value] of changes) {
      const now = before[property];
      expect([property, await set(property, value)]).toMatchObject([
        property,
        { attempted: true, observed: { kind: "ok", value: now.kind === "ok" ? now.value : undefined }, error: { code: "display.not-obeyed" } },
      ]);
    }
    expect(await set("power", "standby")).toMatchObject({ acknowledged: true });
  });

  test("slow: every call ends within the worst case, successfully or as under way", async () => {
    const changes = await changesOf(kit);
    bench().setMood?.("slow");
    for (const [property, value] of changes) {
      const effect = await set(property, value);
      expect([property, effect]).toMatchObject([property, { attempted: true, observed: { kind: "ok" } }]);
      expect(effect.error).toBeUndefined();
    }
    const on = await set("power", "on");
    expect(on.observed.kind === "ok" && ["on", "turning-on"].includes(String(on.observed.value))).toBe(true);
    expect(on.error).toBeUndefined();
    expect(await set("volume", 100)).toMatchObject({ observed: { value: 100 } });
  });

  test("unplugged: nothing is attempted, and reading fails with a reason", async () => {
    const changes = await changesOf(kit);
    bench().setMood?.("unplugged");
    for (const [property, value] of changes) {
      const effect = await set(property, value);
      expect(effect.attempted).toBe(false);
      expect(effect.observed.kind).toBe("failed");
      expect(["cec.unplugged", "display.unplugged"]).toContain(effect.error?.code);
    }
    for (const reading of readingsOf(bench().display, await look())) expect(reading.kind).toBe("failed");
  });

  test("is believed again after it recovers", async () => {
    bench().setMood?.("deaf");
    await set("power", "standby");
    bench().setMood?.("normal");
    expect(await look()).toMatchObject({ power: { kind: "ok", value: "on" } });
    expect(await set("power", "standby")).toMatchObject({ acknowledged: true, observed: { value: "standby" } });
  });
}

function refusingMood(kit: Kit): void {
  const { bench, set, look } = kit;

  test("refusing: changes nothing, says so, and the observation is the truth", async () => {
    const before = await look();
    const changes = await changesOf(kit);
    bench().setMood?.("refusing");
    for (const [property, value] of changes) {
      const now = before[property];
      const effect = await set(property, value);
      expect([property, effect]).toMatchObject([property, { attempted: true, observed: { kind: "ok", value: now.kind === "ok" ? now.value : undefined } }]);
      expect(["display.refused", "display.not-obeyed"]).toContain(effect.error?.code);
    }
    expect(await set("power", "standby")).toMatchObject({ acknowledged: false, error: { code: "display.refused" } });
    // What it refuses to do again is so already.
    expect((await set("power", "on")).error).toBeUndefined();
  });
}
