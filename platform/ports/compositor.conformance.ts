import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Compositor, CompositorOutput } from "./compositor.ts";
import type { OutputMode } from "./outputs.ts";
import type { Result } from "./result.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface CompositorBench {
  readonly compositor: Compositor;
  readonly time: BenchTime;
  /** Name of an output that is enabled and on. */
  readonly output: string;
  /** Adds and removes a second output, whose name it returns. Absent if the compositor cannot. */
  readonly plug?: () => Promise<string>;
  readonly unplug?: () => Promise<void>;
  /** Ends the compositor, and starts it again at the same place. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface CompositorTraits {
  readonly power: boolean;
  readonly hotPlug: boolean;
  /** `any`: its outputs have no list of modes and take any. */
  readonly modes: "listed" | "any";
}

/** The suite for every compositor. */
export function compositorConformance(name: string, open: () => Promise<CompositorBench>, traits: CompositorTraits): void {
  describe(`Compositor: ${name}`, () => {
    let bench: CompositorBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    outputsAndTurns(() => bench);
    refusals(() => bench);
    restarts(() => bench);
    if (traits.power) power(() => bench);
    else withoutPower(() => bench);
    if (traits.modes === "listed") listedModes(() => bench);
    else anyMode(() => bench);
    modeChanges(() => bench);
    if (traits.power) darkModeChanges(() => bench);
    else reportSkipped(`Compositor: ${name}: a mode that is changed while the output is off`, "this compositor has no output power");
    if (traits.hotPlug) hotPlug(() => bench);
    else reportSkipped(`Compositor: ${name}: hot-plug`, "no output can be added here");
  });
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

async function find({ compositor, time }: CompositorBench, name: string): Promise<CompositorOutput | undefined> {
  return valueOf(await time.settled(compositor.outputs())).find((output) => output.name === name);
}

/** Width and height of a PNG (PNG specification, 11.2.2). */
function pngSize(png: Uint8Array): readonly [number, number] {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  expect([...png.subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
  return [view.getUint32(16), view.getUint32(20)];
}

function outputsAndTurns(bench: () => CompositorBench): void {
  test("an output that is enabled reports its mode, its orientation and who made the display", async () => {
    const output = await find(bench(), bench().output);
    expect(output).toMatchObject({ enabled: true, orientation: { kind: "ok", value: 0 }, mode: { kind: "ok", value: { width: expect.any(Number) as number } } });
    expect([output?.make, output?.model, output?.serial].every((word) => typeof word === "string")).toBe(true);
  });

  test("a turned picture is reported as turned, and a capture has its shape", async () => {
    const { compositor, time, output } = bench();
    const [width, height] = pngSize(valueOf(await time.settled(compositor.capture(output))).png);
    for (const degrees of [90, 180, 270, 0] as const) {
      valueOf(await time.settled(compositor.setOrientation(output, degrees)));
      expect((await find(bench(), output))?.orientation).toMatchObject({ kind: "ok", value: degrees });
      const turned = pngSize(valueOf(await time.settled(compositor.capture(output))).png);
      expect(turned).toEqual(degrees % 180 === 0 ? [width, height] : [height, width]);
    }
  });

  test("a capture says that it is the compositor's, and of which output", async () => {
    const { compositor, time, output } = bench();
    const { source } = valueOf(await time.settled(compositor.capture(output)));
    expect(source).toBe(`compositor ${output}`);
    expect(source.length).toBeLessThanOrEqual(64);
    expect(valueOf(await time.settled(compositor.capture())).source).toBe("compositor");
  });
}

function refusals(bench: () => CompositorBench): void {
  test("an output that does not exist is named in the refusal of every call", async () => {
    const { compositor, time } = bench();
    const refused = { ok: false, error: { code: "compositor.no-such-output", message: expect.stringContaining("DP-9") as string } };
    expect(await time.settled(compositor.setOrientation("DP-9", 90))).toMatchObject(refused);
    expect(await time.settled(compositor.setMode("DP-9", { width: 640, height: 480, refreshHz: 60 }))).toMatchObject(refused);
    expect(await time.settled(compositor.capture("DP-9"))).toMatchObject(refused);
  });
}

function restarts(bench: () => CompositorBench): void {
  test("while the compositor is gone every call says so, and after its restart they work again", async () => {
    const { compositor, time, output } = bench();
    await bench().stop();
    const gone = { ok: false, error: { code: "compositor.gone" } };
    expect(await time.settled(compositor.outputs())).toMatchObject(gone);
    expect(await time.settled(compositor.setOrientation(output, 90))).toMatchObject(gone);
    expect(await time.settled(compositor.capture(output))).toMatchObject(gone);
    await bench().start();
    expect(await find(bench(), output)).toMatchObject({ enabled: true });
  });
}

function power(bench: () => CompositorBench): void {
  test("an output that is switched off stays enabled, keeps its mode and orientation, and gives no picture until it is on", async () => {
    const { compositor, time, output } = bench();
    valueOf(await time.settled(compositor.setOrientation(output, 90)));
    const before = await find(bench(), output);
    expect(before?.power).toMatchObject({ kind: "ok", value: "on" });
    valueOf(await time.settled(compositor.setPower(output, "off")));
    const off = await find(bench(), output);
    expect(off).toMatchObject({ enabled: true, power: { kind: "ok", value: "off" } });
    expect(await time.settled(compositor.capture(output))).toMatchObject({ ok: false, error: { code: "compositor.output-off" } });
    valueOf(await time.settled(compositor.setPower(output, "on")));
    const on = await find(bench(), output);
    expect(on?.power).toMatchObject({ kind: "ok", value: "on" });
    for (const seen of [off, on]) expect([seen?.mode, seen?.orientation]).toMatchObject([before?.mode, before?.orientation].map((reading) => ({ kind: "ok", value: reading?.kind === "ok" && reading.value })));
    valueOf(await time.settled(compositor.capture(output)));
  });

  test("an output that is off stays off while it is turned, and is turned when it is on again", async () => {
    const { compositor, time, output } = bench();
    for (const degrees of [90, 0] as const) {
      valueOf(await time.settled(compositor.setPower(output, "off")));
      valueOf(await time.settled(compositor.setOrientation(output, degrees)));
      expect(await find(bench(), output)).toMatchObject({ power: { value: "off" } });
      valueOf(await time.settled(compositor.setPower(output, "on")));
      expect(await find(bench(), output)).toMatchObject({ power: { value: "on" }, orientation: { value: degrees } });
    }
  });

  test("switching power twice the same way succeeds", async () => {
    const { compositor, time, output } = bench();
    for (const wanted of ["off", "off", "on", "on"] as const) {
      valueOf(await time.settled(compositor.setPower(output, wanted)));
      expect((await find(bench(), output))?.power).toMatchObject({ value: wanted });
    }
    expect(await time.settled(compositor.setPower("DP-9", "off"))).toMatchObject({ ok: false, error: { code: "compositor.no-such-output" } });
  });
}

function withoutPower(bench: () => CompositorBench): void {
  test("a compositor without output power says so and changes nothing", async () => {
    const { compositor, time, output } = bench();
    expect((await find(bench(), output))?.power).toEqual({ kind: "unsupported" });
    expect(await time.settled(compositor.setPower(output, "off"))).toMatchObject({ ok: false, error: { code: "compositor.unsupported" } });
    expect(await find(bench(), output)).toMatchObject({ enabled: true });
    valueOf(await time.settled(compositor.capture(output)));
  });
}

/** Two modes that the output takes, the first of which is not the one in use. */
async function twoModes(bench: CompositorBench): Promise<readonly [OutputMode, OutputMode]> {
  const { modes = [], mode } = (await find(bench, bench.output)) ?? {};
  const [first, second] = modes.length === 0 ? UNLISTED : modes.filter((each) => mode?.kind !== "ok" || each.width !== mode.value.width);
  if (first === undefined || second === undefined) throw new Error("the output has too few modes for this suite");
  return [first, second];
}

const UNLISTED: readonly OutputMode[] = [{ width: 1_024, height: 768, refreshHz: 50 }, { width: 1_600, height: 900, refreshHz: 59.94 }];

function modeChanges(bench: () => CompositorBench): void {
  test("a change of the mode keeps the orientation, and a turn keeps the mode", async () => {
    const { compositor, time, output } = bench();
    const [first, second] = await twoModes(bench());
    valueOf(await time.settled(compositor.setOrientation(output, 90)));
    valueOf(await time.settled(compositor.setMode(output, first)));
    expect(await find(bench(), output)).toMatchObject({ mode: { value: first }, orientation: { value: 90 } });
    expect(pngSize(valueOf(await time.settled(compositor.capture(output))).png)).toEqual([first.height, first.width]);
    valueOf(await time.settled(compositor.setOrientation(output, 180)));
    expect(await find(bench(), output)).toMatchObject({ mode: { value: first }, orientation: { value: 180 } });
    valueOf(await time.settled(compositor.setMode(output, second)));
    expect(await find(bench(), output)).toMatchObject({ mode: { value: second }, orientation: { value: 180 } });
  });
}

/** Setting a mode in the dark. */
function darkModeChanges(bench: () => CompositorBench): void {
  test("an output that is off stays off while its mode is changed, and has it when it is on again", async () => {
    const { compositor, time, output } = bench();
    for (const mode of await twoModes(bench())) {
      valueOf(await time.settled(compositor.setPower(output, "off")));
      valueOf(await time.settled(compositor.setMode(output, mode)));
      expect(await find(bench(), output)).toMatchObject({ enabled: true, power: { value: "off" } });
      valueOf(await time.settled(compositor.setPower(output, "on")));
      expect(await find(bench(), output)).toMatchObject({ power: { value: "on" }, mode: { value: mode } });
    }
  });
}

function anyMode(bench: () => CompositorBench): void {
  test("an output without a list of modes takes any, and chooses the rate where none is given", async () => {
    const { compositor, time, output } = bench();
    expect((await find(bench(), output))?.modes).toEqual([]);
    for (const mode of UNLISTED) {
      valueOf(await time.settled(compositor.setMode(output, mode)));
      expect(await find(bench(), output)).toMatchObject({ mode: { value: mode }, modes: [] });
    }
    valueOf(await time.settled(compositor.setMode(output, { width: 800, height: 600, refreshHz: 0 })));
    expect(await find(bench(), output)).toMatchObject({ mode: { value: { width: 800, height: 600 } } });
  });
}

function listedModes(bench: () => CompositorBench): void {
  test("a listed mode can be set, and no other", async () => {
    const { compositor, time, output } = bench();
    const before = await find(bench(), output);
    for (const mode of before?.modes ?? []) {
      valueOf(await time.settled(compositor.setMode(output, mode)));
      expect((await find(bench(), output))?.mode).toMatchObject({ kind: "ok", value: mode });
    }
    expect(before?.modes.length).toBeGreaterThan(0);
    expect(await time.settled(compositor.setMode(output, { width: 123, height: 45, refreshHz: 60 }))).toMatchObject({ ok: false, error: { code: "compositor.no-such-mode" } });
  });
}

function hotPlug(bench: () => CompositorBench): void {
  test("an output that is plugged in is listed until it is pulled, and the others stay as they are", async () => {
    const { output, plug, unplug } = bench();
    const added = (await plug?.()) ?? "";
    expect(await find(bench(), added)).toMatchObject({ name: added, enabled: true });
    expect(await find(bench(), output)).toMatchObject({ enabled: true });
    await unplug?.();
    expect(await find(bench(), added)).toBeUndefined();
    expect(await find(bench(), output)).toMatchObject({ enabled: true });
  });
}
