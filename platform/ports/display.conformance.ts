import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Display, DisplayStatus } from "./display.ts";
import type { Effect, Reading } from "./reading.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export type BenchMood = "normal" | "deaf" | "slow" | "lying" | "unplugged";

export interface DisplayBench {
  readonly display: Display;
  readonly time: BenchTime;
  /** Puts the display into a mood. Absent on real hardware, which has its own. */
  readonly setMood?: (mood: BenchMood) => void;
  close(): Promise<void>;
}

/** What every display must keep to, whatever wire reaches it. It starts on, obedient, showing an input. */
export function displayConformance(name: string, open: () => Promise<DisplayBench>, options: { readonly moods: boolean }): void {
  describe(`Display: ${name}`, () => {
    let bench: DisplayBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    /** The outcome, having checked that it came within what the display promises. */
    const inTime = async <T>(call: (display: Display) => Promise<T>): Promise<T> => {
      const startedMs = bench.time.clock.monotonicMs();
      const outcome = await bench.time.settled(call(bench.display));
      expect(bench.time.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(bench.display.worstCaseMs);
      return outcome;
    };

    obedience(() => bench, inTime);
    refusals(() => bench);
    if (options.moods) moods(() => bench, inTime);
    else reportSkipped(`Display: ${name}: deaf, slow, lying and unplugged displays`, "real hardware has only its own mood");
  });
}

export function readingsOf({ power, input, brightness, volume, mute, orientation }: DisplayStatus): readonly Reading<unknown>[] {
  return [power, input, brightness, volume, mute, orientation];
}

type InTime = <T>(call: (display: Display) => Promise<T>) => Promise<T>;

function obedience(bench: () => DisplayBench, inTime: InTime): void {
  test("tells its state, each fact on its own, with the time of looking", async () => {
    const before = bench().time.clock.monotonicMs();
    const status = await inTime((display) => display.status());
    expect(status.power).toMatchObject({ kind: "ok", value: "on" });
    for (const reading of readingsOf(status)) {
      expect(["ok", "unsupported", "unknown", "failed"]).toContain(reading.kind);
      expect(reading.kind === "ok" ? reading.atMs : before).toBeGreaterThanOrEqual(before);
    }
  });

  test("turns off and on again, and says what it saw", async () => {
    const off = await inTime((display) => display.setPower(false));
    expect(off).toMatchObject({ attempted: true, acknowledged: true, observed: { kind: "ok", value: "standby" } });
    const on = await inTime((display) => display.setPower(true));
    expect(on).toMatchObject({ attempted: true, acknowledged: true, observed: { kind: "ok", value: "on" } });
  });

  test("being told twice is as good as once", async () => {
    await inTime((display) => display.setPower(true));
    expect(await inTime((display) => display.setPower(true))).toMatchObject({ attempted: true, observed: { value: "on" } });
  });

  test("every capability it declares works and is read back", async () => {
    const { capabilities } = bench().display;
    for (const input of capabilities.inputs) {
      expect(await inTime((display) => display.setInput(input))).toMatchObject({ attempted: true, observed: { kind: "ok", value: input } });
    }
    for (const orientation of capabilities.orientations) {
      expect(await inTime((display) => display.setOrientation(orientation))).toMatchObject({
        observed: { kind: "ok", value: orientation },
      });
    }
    const expected = {
      brightness: { kind: capabilities.brightness ? "ok" : "unsupported" },
      volume: { kind: capabilities.volume ? "ok" : "unsupported" },
      mute: { kind: capabilities.mute ? "ok" : "unsupported" },
    };
    expect(await inTime((display) => display.setBrightness(0))).toMatchObject({
      attempted: capabilities.brightness,
      observed: expected.brightness,
    });
    expect(await inTime((display) => display.setVolume(100))).toMatchObject({ attempted: capabilities.volume, observed: expected.volume });
    expect(await inTime((display) => display.setMute(true))).toMatchObject({ attempted: capabilities.mute, observed: expected.mute });
    expect(await inTime((display) => display.status())).toMatchObject(expected);
  });

  test("the ends of a range are in it, and the value read back is the one set", async () => {
    for (const percent of [100, 0, 37]) {
      expect(await inTime((display) => display.setBrightness(percent))).toMatchObject({ observed: { value: percent } });
      expect(await inTime((display) => display.setVolume(percent))).toMatchObject({ observed: { value: percent } });
    }
  });

  test("calls made at the same time do not mix: the last one wins and each is answered for itself", async () => {
    const { display, time } = bench();
    const all = Promise.all([display.setBrightness(20), display.setBrightness(60), display.status(), display.setBrightness(40)]);
    const [first, second, between, last] = await time.settled(all);
    expect([first, second, last].map((effect) => effect.observed)).toMatchObject([{ value: 20 }, { value: 60 }, { value: 40 }]);
    expect(between.brightness).toMatchObject({ value: 60 });
  });
}

function refusals(bench: () => DisplayBench): void {
  test.each([-1, 101, 50.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s percent instead of bending it", async (percent) => {
    const { display, time } = bench();
    const before = await time.settled(display.status());
    for (const effect of [await time.settled(display.setBrightness(percent)), await time.settled(display.setVolume(percent))]) {
      expect(effect).toMatchObject({ attempted: false, error: { code: "display.out-of-range" } });
      expect(effect.observed.kind).not.toBe("ok");
    }
    const after = await time.settled(display.status());
    expect([after.brightness, after.volume]).toMatchObject(
      [before.brightness, before.volume].map((reading) => ({ ...reading, atMs: expect.any(Number) as number })),
    );
  });

  test("refuses an input or orientation it does not have", async () => {
    const { display, time } = bench();
    expect(await time.settled(display.setInput("no-such-input"))).toMatchObject({
      attempted: false,
      error: { code: "display.no-such-input" },
    });
    expect(await time.settled(display.setInput("__proto__"))).toMatchObject({ attempted: false, error: { code: "display.no-such-input" } });
    expect(await time.settled(display.setOrientation(45 as 90))).toMatchObject({
      attempted: false,
      error: { code: "display.no-such-orientation" },
    });
  });
}

function moods(bench: () => DisplayBench, inTime: InTime): void {
  const everySetter: readonly ((display: Display) => Promise<Effect>)[] = [
    (display) => display.setPower(false),
    (display) => display.setInput("hdmi-2"),
    (display) => display.setBrightness(11),
    (display) => display.setVolume(12),
    (display) => display.setMute(true),
    (display) => display.setOrientation(90),
  ];

  test("deaf: nothing is acknowledged and nothing is claimed to be seen", async () => {
    bench().setMood?.("deaf");
    for (const setter of everySetter) {
      const effect = await inTime(setter);
      expect(effect.acknowledged).not.toBe(true);
      expect(effect.observed.kind).toBe("unknown");
      expect(effect.error?.code).toBe("display.no-answer");
    }
    const status = await inTime((display) => display.status());
    expect(readingsOf(status).map((reading) => reading.kind)).toEqual(Array.from({ length: 6 }, () => "unknown"));
  });

  test("lying: acknowledged, and what is observed is the truth", async () => {
    bench().setMood?.("lying");
    expect(await inTime((display) => display.setPower(false))).toMatchObject({
      attempted: true,
      acknowledged: true,
      observed: { kind: "ok", value: "on" },
      error: { code: "display.not-obeyed" },
    });
    for (const setter of everySetter) {
      const effect = await inTime(setter);
      expect(effect).toMatchObject({ attempted: true, observed: { kind: "ok" }, error: { code: "display.not-obeyed" } });
    }
  });

  test("slow: every call still ends within the worst case, and ends well or says that it is under way", async () => {
    bench().setMood?.("slow");
    for (const setter of everySetter) expect(await inTime(setter)).toMatchObject({ attempted: true, observed: { kind: "ok" } });
    const on = await inTime((display) => display.setPower(true));
    expect(on.observed.kind === "ok" && ["on", "turning-on"].includes(String(on.observed.value))).toBe(true);
    expect(on.error).toBeUndefined();
    expect(await inTime((display) => display.setVolume(100))).toMatchObject({ observed: { value: 100 } });
  });

  test("unplugged: nothing is attempted, and looking fails with a reason", async () => {
    bench().setMood?.("unplugged");
    for (const setter of everySetter) {
      const effect = await inTime(setter);
      expect(effect.attempted).toBe(false);
      expect(effect.observed.kind).toBe("failed");
      expect(["cec.unplugged", "display.unplugged"]).toContain(effect.error?.code);
    }
    const status = await inTime((display) => display.status());
    expect(readingsOf(status).map((reading) => reading.kind)).toEqual(Array.from({ length: 6 }, () => "failed"));
  });

  test("a display that recovers is believed again", async () => {
    bench().setMood?.("deaf");
    await inTime((display) => display.setPower(false));
    bench().setMood?.("normal");
    expect(await inTime((display) => display.status())).toMatchObject({ power: { kind: "ok", value: "on" } });
    expect(await inTime((display) => display.setPower(false))).toMatchObject({ acknowledged: true, observed: { value: "standby" } });
  });
}
