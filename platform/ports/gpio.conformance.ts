import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Gpio, GpioEdge, GpioLevel, GpioLineInfo } from "./gpio.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface GpioBench {
  readonly gpio: Gpio;
  readonly time: BenchTime;
  /** Names of two lines that we may drive, resting low. */
  readonly freeLines: readonly [string, string];
  /** A line held by a kernel driver. */
  readonly heldLine: string;
  /** Drives an input from outside. Absent if nothing is wired to it. */
  readonly drive?: (line: string, level: GpioLevel) => void;
  /** Resting level of a line as seen from outside, for checks during a call. */
  readonly levelSeenOutside?: (line: string) => GpioLevel;
  /** Makes every line of the header stop answering. */
  readonly breakHeader?: () => void;
  close(): Promise<void>;
}

/** The suite for every header. `outside`: whether the bench can drive and see lines from outside. */
export function gpioConformance(name: string, open: () => Promise<GpioBench>, options: { readonly outside: boolean }): void {
  describe(`Gpio: ${name}`, () => {
    let bench: GpioBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    linesAndLevels(() => bench);
    refusals(() => bench);
    pulses(() => bench);
    if (options.outside) watching(() => bench);
    else reportSkipped(`Gpio: ${name}: edges and debouncing`, "nothing drives the lines from outside here");
  });
}

async function linesOf(gpio: Gpio): Promise<readonly GpioLineInfo[]> {
  const lines = await gpio.lines();
  if (!lines.ok) throw new Error(lines.error.message);
  return lines.value;
}

function linesAndLevels(bench: () => GpioBench): void {
  test("lists lines with unique names and offsets", async () => {
    const lines = await linesOf(bench().gpio);
    expect(lines.length).toBeGreaterThan(0);
    expect(new Set(lines.map((line) => line.name)).size).toBe(lines.length);
    expect(new Set(lines.map((line) => line.offset)).size).toBe(lines.length);
    expect(lines.find((line) => line.name === bench().heldLine)?.consumer).toEqual(expect.any(String));
  });

  test("reads back a written level, by name and by offset", async () => {
    const { gpio, time, freeLines } = bench();
    const offset = (await linesOf(gpio)).find((line) => line.name === freeLines[0])?.offset ?? -1;
    for (const level of [1, 0] as const) {
      expect(await time.settled(gpio.write(freeLines[0], level))).toEqual({ ok: true, value: level });
      expect(await time.settled(gpio.read(offset))).toEqual({ ok: true, value: level });
    }
    expect((await linesOf(gpio)).find((line) => line.name === freeLines[0])?.direction).toBe("output");
  });

  test("drives two lines independently", async () => {
    const { gpio, time, freeLines } = bench();
    await time.settled(gpio.write(freeLines[0], 1));
    await time.settled(gpio.write(freeLines[1], 0));
    expect(await time.settled(gpio.read(freeLines[0]))).toEqual({ ok: true, value: 1 });
  });
}

function refusals(bench: () => GpioBench): void {
  test.each(["GPIO99", "", "__proto__", -1, 4_096, 1.5, Number.NaN])("no line %s", async (line) => {
    const { gpio, time } = bench();
    const noSuchLine = { ok: false, error: { code: "gpio.no-such-line" } };
    expect(await time.settled(gpio.read(line))).toMatchObject(noSuchLine);
    expect(await time.settled(gpio.write(line, 1))).toMatchObject(noSuchLine);
    expect(await time.settled(gpio.pulse(line, 1, 10))).toMatchObject(noSuchLine);
    expect(await time.settled(gpio.watch(line, { debounceMs: 0 }, () => {}))).toMatchObject(noSuchLine);
  });

  test("names the existing lines in the hint for an unknown one", async () => {
    const { gpio, time, freeLines } = bench();
    expect(await time.settled(gpio.read("GPIO999"))).toMatchObject({ error: { hint: expect.stringContaining(freeLines[0]) as string } });
  });

  test("neither reads nor drives nor watches a line that another driver holds", async () => {
    const { gpio, time, heldLine } = bench();
    const busy = { ok: false, error: { code: "gpio.busy" } };
    expect(await time.settled(gpio.read(heldLine))).toMatchObject(busy);
    expect(await time.settled(gpio.write(heldLine, 1))).toMatchObject(busy);
    expect(await time.settled(gpio.pulse(heldLine, 1, 10))).toMatchObject(busy);
    expect(await time.settled(gpio.watch(heldLine, { debounceMs: 0 }, () => {}))).toMatchObject(busy);
  });

  test.each([0, -5, 60_001, Number.NaN])("refuses a pulse of %s ms and changes nothing", async (durationMs) => {
    const { gpio, time, freeLines } = bench();
    await time.settled(gpio.write(freeLines[0], 0));
    expect(await time.settled(gpio.pulse(freeLines[0], 1, durationMs))).toMatchObject({ ok: false, error: { code: "gpio.out-of-range" } });
    expect(await time.settled(gpio.read(freeLines[0]))).toEqual({ ok: true, value: 0 });
  });

  test.each([-1, 5_001, Number.NaN])("refuses debouncing for %s ms", async (debounceMs) => {
    const { gpio, time, freeLines } = bench();
    expect(await time.settled(gpio.watch(freeLines[0], { debounceMs }, () => {}))).toMatchObject({
      ok: false,
      error: { code: "gpio.out-of-range" },
    });
  });
}

function pulses(bench: () => GpioBench): void {
  test.each([1, 0] as const)("a pulse to %s has the requested, measured duration and ends at the opposite level", async (level) => {
    const { gpio, time, freeLines } = bench();
    const pulsed = await time.settled(gpio.pulse(freeLines[0], level, 50));
    const measuredMs = pulsed.ok ? pulsed.value.measuredMs : Number.NaN;
    expect(measuredMs).toBeGreaterThanOrEqual(49);
    expect(measuredMs).toBeLessThan(500);
    expect(await time.settled(gpio.read(freeLines[0]))).toEqual({ ok: true, value: level === 1 ? 0 : 1 });
  });

  test("a write during a pulse waits for its end; other lines do not", async () => {
    const { gpio, time, freeLines } = bench();
    const order: string[] = [];
    const pulse = gpio.pulse(freeLines[0], 1, 80).then(() => order.push("pulse"));
    const write = gpio.write(freeLines[0], 1).then(() => order.push("write"));
    const other = gpio.write(freeLines[1], 1).then(() => order.push("other"));
    await time.settled(Promise.all([pulse, write, other]));
    expect(order).toEqual(["other", "pulse", "write"]);
    expect(await time.settled(gpio.read(freeLines[0]))).toEqual({ ok: true, value: 1 });
  });
}

function watching(bench: () => GpioBench): void {
  const watch = async (
    debounceMs: number,
  ): Promise<{ readonly edges: GpioEdge[]; readonly undo: () => void; readonly drive: (level: GpioLevel) => void }> => {
    const { gpio, time, freeLines, drive } = bench();
    const edges: GpioEdge[] = [];
    const watched = await time.settled(gpio.watch(freeLines[0], { debounceMs }, (edge) => edges.push(edge)));
    if (!watched.ok) throw new Error(watched.error.message);
    return { edges, undo: watched.value, drive: (level) => drive?.(freeLines[0], level) };
  };

  test("edges have the line, the level and a rising time", async () => {
    const { edges, drive } = await watch(0);
    drive(1);
    await bench().time.pass(5);
    drive(0);
    await bench().time.pass(5);
    expect(edges.map(({ line, level }) => [line, level])).toEqual([
      [bench().freeLines[0], 1],
      [bench().freeLines[0], 0],
    ]);
    expect(edges[1]?.atMs).toBeGreaterThan(edges[0]?.atMs ?? Number.POSITIVE_INFINITY);
  });

  test("a level shorter than the debounce time is no edge, and bouncing makes one edge", async () => {
    const { edges, drive } = await watch(30);
    for (const level of [1, 0, 1, 0] as const) {
      drive(level);
      await bench().time.pass(3);
    }
    await bench().time.pass(100);
    expect(edges).toEqual([]);
    for (const level of [1, 0, 1, 0, 1] as const) {
      drive(level);
      await bench().time.pass(3);
    }
    await bench().time.pass(100);
    expect(edges.map((edge) => edge.level)).toEqual([1]);
  });

  test("after unsubscribing there are no calls, not even for an edge that was settling", async () => {
    const { edges, undo, drive } = await watch(20);
    drive(1);
    undo();
    undo();
    await bench().time.pass(100);
    drive(0);
    await bench().time.pass(100);
    expect(edges).toEqual([]);
  });

  test("a watched line is an input and cannot be driven until the watch ends", async () => {
    const { gpio, time, freeLines } = bench();
    const { undo } = await watch(0);
    expect(await time.settled(gpio.write(freeLines[0], 1))).toMatchObject({ ok: false, error: { code: "gpio.not-an-output" } });
    undo();
    expect(await time.settled(gpio.write(freeLines[0], 1))).toEqual({ ok: true, value: 1 });
  });

  test("two watchers of one line both receive its edges", async () => {
    const [one, two] = [await watch(0), await watch(0)];
    one.drive(1);
    await bench().time.pass(5);
    one.undo();
    one.drive(0);
    await bench().time.pass(5);
    expect(one.edges.map((edge) => edge.level)).toEqual([1]);
    expect(two.edges.map((edge) => edge.level)).toEqual([1, 0]);
  });

  test("a pull decides the level of an input that nothing drives", async () => {
    const { gpio, time, freeLines } = bench();
    for (const [pull, level] of [
      ["up", 1],
      ["down", 0],
    ] as const) {
      const watched = await time.settled(gpio.watch(freeLines[1], { debounceMs: 0, pull }, () => {}));
      expect(watched.ok).toBe(true);
      expect(await time.settled(gpio.read(freeLines[1]))).toEqual({ ok: true, value: level });
    }
  });

  test("the pulse can be seen from outside while it lasts", async () => {
    const { gpio, time, freeLines, levelSeenOutside } = bench();
    const pulse = gpio.pulse(freeLines[0], 1, 60);
    await time.pass(20);
    expect(levelSeenOutside?.(freeLines[0])).toBe(1);
    await time.settled(pulse);
    expect(levelSeenOutside?.(freeLines[0])).toBe(0);
  });

  test("a header that the kernel refuses gives gpio.io without an exception", async () => {
    const { gpio, time, freeLines, breakHeader } = bench();
    breakHeader?.();
    const broken = { ok: false, error: { code: "gpio.io" } };
    expect(await time.settled(gpio.read(freeLines[0]))).toMatchObject(broken);
    expect(await time.settled(gpio.write(freeLines[0], 1))).toMatchObject(broken);
    expect(await time.settled(gpio.pulse(freeLines[0], 1, 5))).toMatchObject(broken);
  });
}
