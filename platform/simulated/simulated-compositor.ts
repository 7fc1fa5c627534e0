import { deflateSync } from "node:zlib";
import type { Clock } from "../ports/clock.ts";
import type { Compositor, CompositorOutput, Orientation, OutputPower, ScreenCapture } from "../ports/compositor.ts";
import type { OutputMode } from "../ports/outputs.ts";
import { seen, unknown, UNSUPPORTED } from "../ports/reading.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { modeText, nearestMode } from "../ports/video-mode.ts";
import { crc32 } from "../runtime/crc32.ts";
import { FULL_HD, TV_MODES } from "./tv-modes.ts";

/** An output of the simulated compositor. Change its fields to misbehave. */
export interface SimulatedCompositorOutput {
  enabled: boolean;
  power: OutputPower;
  orientation: Orientation;
  mode: OutputMode;
  modes: readonly OutputMode[];
}

/** `gone`: not running. `ignoring`: it accepts changes and makes none. `without-power`: a compositor such as cage. */
export type CompositorMood = "normal" | "gone" | "ignoring" | "without-power";

/** A compositor with `HDMI-A-1` and whatever is added to `outputs`. */
export class SimulatedCompositor implements Compositor {
  readonly worstCaseMs = 0;
  readonly captureWorstCaseMs = 0;
  readonly outputsByName = new Map<string, SimulatedCompositorOutput>();
  mood: CompositorMood = "normal";
  /** Grey value of every picture, 0 to 255. */
  shade = 128;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.plug("HDMI-A-1");
  }

  /** `modes`: empty for an output that takes any mode. */
  plug(name: string, modes: readonly OutputMode[] = TV_MODES): void {
    this.outputsByName.set(name, { enabled: true, power: "on", orientation: 0, mode: modes[0] ?? FULL_HD, modes });
  }

  unplug(name: string): void {
    this.outputsByName.delete(name);
  }

  outputs(): Promise<Result<readonly CompositorOutput[]>> {
    if (this.mood === "gone") return Promise.resolve(gone());
    const atMs = this.#clock.monotonicMs();
    const disabled = unknown("the output is disabled");
    const outputs = [...this.outputsByName].map(([name, { enabled, power, orientation, mode, modes }]): CompositorOutput => ({
      name,
      enabled,
      power: this.mood === "without-power" ? UNSUPPORTED : enabled ? seen(power, atMs) : disabled,
      orientation: enabled ? seen(orientation, atMs) : disabled,
      mode: enabled ? seen(mode, atMs) : disabled,
      modes,
      make: "Vitrine",
      model: "Simulated TV",
      serial: "1",
    }));
    return Promise.resolve(ok(outputs.sort((a, b) => (a.name < b.name ? -1 : 1))));
  }

  setPower(name: string, power: OutputPower): Promise<Result<void>> {
    if (this.mood === "without-power") return Promise.resolve(fail("compositor.unsupported", "the compositor has no output power"));
    return this.#change(name, (output) => void (output.power = power));
  }

  setOrientation(name: string, degrees: Orientation): Promise<Result<void>> {
    return this.#change(name, (output) => void (output.orientation = degrees));
  }

  setMode(name: string, wanted: OutputMode): Promise<Result<void>> {
    const modes = this.outputsByName.get(name)?.modes ?? [];
    const mode = modes.length === 0 ? wanted : nearestMode(wanted, modes);
    if (mode === undefined) return Promise.resolve(fail("compositor.no-such-mode", `the output ${name} has no mode ${modeText(wanted)}`));
    return this.#change(name, (output) => void (output.mode = mode));
  }

  capture(name?: string): Promise<Result<ScreenCapture>> {
    const shown = [...this.outputsByName].filter(([each]) => name === undefined || each === name);
    const [first] = shown;
    if (this.mood === "gone") return Promise.resolve(gone());
    if (first === undefined) return Promise.resolve(noSuchOutput(name ?? ""));
    if (shown.some(([, { enabled }]) => !enabled)) return Promise.resolve(fail("compositor.output-disabled", `the output ${first[0]} is disabled`));
    if (this.mood !== "without-power" && shown.some(([, { power }]) => power === "off")) return Promise.resolve(fail("compositor.output-off", `the output ${first[0]} is off, so there is no picture on it`));
    const { mode, orientation } = first[1];
    const [width, height] = orientation % 180 === 0 ? [mode.width, mode.height] : [mode.height, mode.width];
    return Promise.resolve(ok({ png: greyPng(width, height, this.shade), source: name === undefined ? "compositor" : `compositor ${name}` }));
  }

  #change(name: string, apply: (output: SimulatedCompositorOutput) => void): Promise<Result<void>> {
    const output = this.outputsByName.get(name);
    if (this.mood === "gone") return Promise.resolve(gone());
    if (output === undefined) return Promise.resolve(noSuchOutput(name));
    if (!output.enabled) return Promise.resolve(fail("compositor.output-disabled", `the output ${name} is disabled`));
    if (this.mood !== "ignoring") apply(output);
    return Promise.resolve(ok(undefined));
  }
}

function gone(): Result<never> {
  return fail("compositor.gone", "no compositor is running");
}

function noSuchOutput(name: string): Result<never> {
  return fail("compositor.no-such-output", `the compositor has no output ${name.slice(0, 60)}`);
}

/** A PNG of one grey value, 8 bits a pixel (PNG specification, 11.2). */
function greyPng(width: number, height: number, shade: number): Uint8Array {
  const row = Buffer.alloc(width + 1, shade);
  row[0] = 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    framed.set(body, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", new Uint8Array())]);
}
