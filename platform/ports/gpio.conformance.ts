import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Gpio, GpioEdge, GpioLevel } from "./gpio.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface GpioBench {
  readonly gpio: Gpio;
  readonly time: BenchTime;
  /** Names of two lines that are ours to use, resting low. */
  readonly freeLines: readonly [string, string];
  /** A line that a kernel driver holds. */
  readonly heldLine: string;
  /** Drives an input from outside. Absent where nothing is wired to it. */
  readonly drive?: (line: string, level: GpioLevel) => void;
  /** Resting level of a line as seen from outside, for checks while a call is under way. */
  readonly levelSeenOutside?: (line: string) => GpioLevel;
  /** Everything on the header stops answering. */
  readonly breakHeader?: () => void;
  close(): Promise<void>;
}

/** What every header must keep to. `outside` says whether the bench can drive and see lines from outside. */
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

function linesAndLevels(bench: () => GpioBench): void {
  test("lists lines with unique names and offsets", async () => {
    const lines = await bench().gpio.lines();
    expect(lines.length).toBeGreaterThan(0);
    expect(new Set(lines.map((line) => line.name)).size).toBe(lines.length);
    expect(new Set(lines.map((line) => line.offset)).size).toBe(lines.length);
    expect(lines.find((line) => line.name === bench().heldLine)?.consumer).toEqual(expect.any(String));
  });

  test("a level written is read back, by name and by offset", async () => {
    const { gpio, time, freeLines } = bench();
    const offset = (await gpio.lines()).find((line) => line.name === freeLines[0])?.offset ?? -1;
    for (const level of [1, 0] as const) {
      expect(await time.settled(gpio.write(freeLines[0], level))).toEqual({ ok: true, value: level });
      expect(await time.settled(gpio.read(offset))).toEqual({ ok: true, value: level });
    }
    expect((await gpio.lines()).find((line) => line.name === freeLines[0])?.direction).toBe("output");
  });

  test("two lines do not disturb each other", async () => {
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

  test("the hint for a line that is not there names those that are", async () => {
    const { gpio, time, freeLines } = bench();
    expect(await time.settled(gpio.read("GPIO999"))).toMatchObject({ error: { hint: expect.stringContaining(freeLines[0]) as string } });
  });

  test("a line of another driver can be read and not driven", async () => {
    const { gpio, time, heldLine } = bench();
    expect(await time.settled(gpio.read(heldLine))).toMatchObject({ ok: true });
    expect(await time.settled(gpio.write(heldLine, 1))).toMatchObject({ ok: false, error: { code: "gpio.busy" } });
    expect(await time.settled(gpio.pulse(heldLine, 1, 10))).toMatchObject({ ok: false, error: { code: "gpio.busy" } });
  });

  test.each([0, -5, 60_001, Number.NaN])("a pulse of %s ms is refused and nothing moves", async (durationMs) => {
    const { gpio, time, freeLines } = bench();
    await time.settled(gpio.write(freeLines[0], 0));
    expect(await time.settled(gpio.pulse(freeLines[0], 1, durationMs))).toMatchObject({ ok: false, error: { code: "gpio.out-of-range" } });
    expect(await time.settled(gpio.read(freeLines[0]))).toEqual({ ok: true, value: 0 });
  });

  test.each([-1, 5_001, Number.NaN])("debouncing for %s ms is refused", async (debounceMs) => {
    const { gpio, time, freeLines } = bench();
    expect(await time.settled(gpio.watch(freeLines[0], { debounceMs }, () => {}))).toMatchObject({
      ok: false,
      error: { code: "gpio.out-of-range" },
    });
  });
}

function pulses(bench: () => GpioBench): void {
  test.each([1, 0] as const)("a pulse to %s lasts as long as asked, measured, and ends at the opposite", async (level) => {
    const { gpio, time, freeLines } = bench();
    const pulsed = await time.settled(gpio.pulse(freeLines[0], level, 50));
    const measuredMs = pulsed.ok ? pulsed.value.measuredMs : Number.NaN;
    expect(measuredMs).toBeGreaterThanOrEqual(49);
    expect(measuredMs).toBeLessThan(500);
    expect(await time.settled(gpio.read(freeLines[0]))).toEqual({ ok: true, value: level === 1 ? 0 : 1 });
  });

  test("a write during a pulse waits for its end, and other lines do not wait", async () => {
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

  test("edges come with line, level and a rising time", async () => {
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

  test("what does not stay for the debounce time is no edge; bouncing makes one edge", async () => {
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

  test("after the undo nothing is called, not even for an edge that was settling", async () => {
    const { edges, undo, drive } = await watch(20);
    drive(1);
    undo();
    undo();
    await bench().time.pass(100);
    drive(0);
    await bench().time.pass(100);
    expect(edges).toEqual([]);
  });

  test("a watched line is an input and is not driven until the watch ends", async () => {
    const { gpio, time, freeLines } = bench();
    const { undo } = await watch(0);
    expect(await time.settled(gpio.write(freeLines[0], 1))).toMatchObject({ ok: false, error: { code: "gpio.not-an-output" } });
    undo();
    expect(await time.settled(gpio.write(freeLines[0], 1))).toEqual({ ok: true, value: 1 });
  });

  test("two watchers of one line both hear it", async () => {
    const [one, two] = [await watch(0), await watch(0)];
    one.drive(1);
    await bench().time.pass(5);
    one.undo();
    one.drive(0);
    await bench().time.pass(5);
    expect(one.edges.map((edge) => edge.level)).toEqual([1]);
    expect(two.edges.map((edge) => edge.level)).toEqual([1, 0]);
  });

  test("a pull decides an input that nothing drives", async () => {
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

  test("outside sees the pulse while it lasts", async () => {
    const { gpio, time, freeLines, levelSeenOutside } = bench();
    const pulse = gpio.pulse(freeLines[0], 1, 60);
    await time.pass(20);
    expect(levelSeenOutside?.(freeLines[0])).toBe(1);
    await time.settled(pulse);
    expect(levelSeenOutside?.(freeLines[0])).toBe(0);
  });

  test("a header that the kernel refuses answers gpio.io and throws nothing", async () => {
    const { gpio, time, freeLines, breakHeader } = bench();
    breakHeader?.();
    const broken = { ok: false, error: { code: "gpio.io" } };
    expect(await time.settled(gpio.read(freeLines[0]))).toMatchObject(broken);
    expect(await time.settled(gpio.write(freeLines[0], 1))).toMatchObject(broken);
    expect(await time.settled(gpio.pulse(freeLines[0], 1, 5))).toMatchObject(broken);
  });
}
