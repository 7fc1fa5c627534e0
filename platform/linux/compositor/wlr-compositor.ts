import type { Clock, Timers } from "../../ports/clock.ts";
import type { Compositor, CompositorOutput, Orientation, OutputPower, ScreenCapture } from "../../ports/compositor.ts";
import type { OutputMode } from "../../ports/outputs.ts";
import { seen, unknown, UNSUPPORTED, type Reading } from "../../ports/reading.ts";
import { fail, ok, type Result } from "../../ports/result.ts";
import { modeText, nearestMode } from "../../ports/video-mode.ts";
import { CAPTURE_TIMEOUT_MS, captureWithGrim, type PictureProgram } from "./grim.ts";
import { SESSION_DEADLINE_MS, withWayland, type WaylandSession } from "./wayland-session.ts";
import { readSnapshot, type WlrHead, type WlrPower, type WlrSnapshot } from "./wlr-outputs.ts";
import { CONFIGURATION, CONFIGURATION_HEAD_REQUEST, MANAGER, POWER } from "./wlr-protocol.ts";

export interface WlrCompositorDeps {
  /** Absolute path of the Wayland socket. It need not exist yet. */
  readonly socketPath: string;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Takes the pictures; default: the program `grim`. */
  readonly runGrim?: PictureProgram;
}

/**
 * Number in `wl_output.transform` for each clockwise angle. Wayland counts counter-clockwise: its 90 turns the picture to the
 * left. Numbers from 4 on are mirrored.
 */
const TRANSFORMS: Readonly<Record<Orientation, number>> = { 0: 0, 90: 3, 180: 2, 270: 1 };
const ORIENTATIONS = new Map(Object.entries(TRANSFORMS).map(([degrees, transform]) => [transform, Number(degrees) as Orientation]));

/** How often, and how long apart, a power change is looked for. */
const POWER_LOOKS_MAX = 20;
const POWER_LOOK_MS = 25;

/** How often a change is tried again when the outputs changed meanwhile. */
const CHANGE_ATTEMPTS_MAX = 3;

/**
 * A compositor built on wlroots (labwc, sway, cage), asked in its own protocol over its socket. Each call makes its own connection,
 * so a compositor that was started again is found, and one that hangs holds nothing back.
 */
export class WlrCompositor implements Compositor {
  readonly worstCaseMs = SESSION_DEADLINE_MS;
  readonly captureWorstCaseMs = SESSION_DEADLINE_MS + CAPTURE_TIMEOUT_MS;
  readonly #deps: WlrCompositorDeps;

  constructor(deps: WlrCompositorDeps) {
    this.#deps = deps;
  }

  outputs(): Promise<Result<readonly CompositorOutput[]>> {
    return this.#ask(async (session) => {
      const snapshot = await readSnapshot(session);
      const atMs = this.#deps.clock.monotonicMs();
      return ok(snapshot.heads.map((head) => describe(head, snapshot, atMs)).sort((a, b) => (a.name < b.name ? -1 : 1)));
    });
  }

  setPower(output: string, power: OutputPower): Promise<Result<void>> {
    return this.#ask(async (session) => {
      const snapshot = await readSnapshot(session);
      const head = enabledHead(snapshot, output);
      if (!head.ok) return head;
      const control = snapshot.power?.get(output);
      if (snapshot.power === undefined || control === undefined) return fail("compositor.unsupported", "this compositor cannot switch the power of an output", "use labwc 0.8 or later");
      if (control.state !== undefined) {
        requestPower(session, control.id, power);
        await this.#untilPower(session, [control], power);
      }
      // The event `failed` has taken the state away.
      return control.state === undefined ? fail("compositor.refused", `the compositor does not switch the power of ${output}`) : ok(undefined);
    });
  }

  setOrientation(output: string, degrees: Orientation): Promise<Result<void>> {
    return this.#change(output, () => ok([CONFIGURATION_HEAD_REQUEST.setTransform, TRANSFORMS[degrees]]));
  }

  setMode(output: string, mode: OutputMode): Promise<Result<void>> {
    return this.#change(output, (head) => {
      if (takesAnyMode(head)) return ok([CONFIGURATION_HEAD_REQUEST.setCustomMode, mode.width, mode.height, Math.round(mode.refreshHz * 1_000)]);
      const listed = [...head.modes].map(([id, each]) => ({ ...each, id }));
      const nearest = nearestMode(mode, listed);
      if (nearest !== undefined) return ok([CONFIGURATION_HEAD_REQUEST.setMode, nearest.id]);
      return fail("compositor.no-such-mode", `the output ${output} has no mode ${modeText(mode)}`, `it has ${listed.map(modeText).join(", ").slice(0, 500)}`);
    });
  }

  async capture(output?: string): Promise<Result<ScreenCapture>> {
    const outputs = await this.outputs();
    if (!outputs.ok) return outputs;
    const isOff = ({ power }: CompositorOutput): boolean => power.kind === "ok" && power.value === "off";
    const enabled = outputs.value.filter((each) => each.enabled);
    const wanted = outputs.value.find((each) => each.name === output);
    if (output !== undefined && wanted === undefined) return noSuchOutput(output, outputs.value);
    const first = wanted ?? enabled.find((each) => !isOff(each)) ?? enabled[0];
    if (first === undefined) return fail("compositor.output-disabled", "every output is disabled, or there is none");
    if (!first.enabled) return disabled(first.name);
    if (isOff(first)) return fail("compositor.output-off", `the output ${first.name} is off, so there is no picture on it`);
    // One picture of all outputs fails as soon as one of them is off.
    const name = output ?? (enabled.some(isOff) ? first.name : undefined);
    const png = await captureWithGrim(this.#deps, name);
    return png.ok ? ok({ png: png.value, source: name === undefined ? "compositor" : `compositor ${name.slice(0, 50)}` }) : png;
  }

  /** sway changes the power some milliseconds after the request. What it does in the end is for the caller to read. */
  async #untilPower(session: WaylandSession, controls: readonly WlrPower[], power: OutputPower): Promise<void> {
    for (let look = 0; look < POWER_LOOKS_MAX; look += 1) {
      await session.roundtrip();
      if (controls.every(({ state }) => state === power || state === undefined)) return;
      await new Promise<void>((resolve) => this.#deps.timers.after("compositor.power", POWER_LOOK_MS, resolve));
    }
  }

  #ask<T>(work: (session: WaylandSession) => Promise<Result<T>>): Promise<Result<T>> {
    return withWayland(this.#deps.socketPath, this.#deps.timers, work);
  }

  /** Changes one thing of one output. */
  #change(output: string, requestFor: (head: WlrHead) => Result<HeadRequest>): Promise<Result<void>> {
    return this.#ask(async (session) => {
      for (let attempt = 1; ; attempt += 1) {
        const snapshot = await readSnapshot(session);
        const head = enabledHead(snapshot, output);
        if (!head.ok) return head;
        if (snapshot.manager === undefined) return fail("compositor.unsupported", "this compositor cannot change its outputs", "use labwc 0.8 or later");
        const request = requestFor(head.value);
        if (!request.ok) return request;
        const off = [...(snapshot.power?.values() ?? [])].filter(({ state }) => state === "off");
        const answer = await configure(session, snapshot, snapshot.manager, head.value, request.value, off);
        await this.#untilPower(session, off, "off");
        if (answer === CONFIGURATION.event.succeeded) return ok(undefined);
        if (answer !== CONFIGURATION.event.cancelled || attempt === CHANGE_ATTEMPTS_MAX) return fail("compositor.refused", `the compositor refused the change of ${output}`);
      }
    });
  }
}

/** Opcode and arguments of a request to one head. */
type HeadRequest = readonly [opcode: number, ...values: number[]];

/** Applies a change to one head and returns the opcode of the answer. A configuration has to list every head. */
async function configure(session: WaylandSession, { heads }: WlrSnapshot, manager: { readonly id: number; readonly serial: number }, changed: WlrHead, request: HeadRequest, off: readonly WlrPower[]): Promise<number | undefined> {
  let answer: number | undefined;
  const configuration = session.object((event) => void (answer = event));
  session.request(manager.id, MANAGER.request.createConfiguration, configuration, manager.serial);
  for (const head of heads) {
    if (!head.enabled) {
      session.request(configuration, CONFIGURATION.request.disableHead, head.id);
      continue;
    }
    const configured = session.object();
    session.request(configuration, CONFIGURATION.request.enableHead, configured, head.id);
    if (head === changed) session.request(configured, ...request);
  }
  session.request(configuration, CONFIGURATION.request.apply);
  // labwc 0.8.3 switches every listed output on, so those that were off are switched off again at once.
  for (const control of off) requestPower(session, control.id, "off");
  await session.roundtrip();
  return answer;
}

function requestPower(session: WaylandSession, control: number, power: OutputPower): void {
  session.request(control, POWER.request.setMode, POWER[power]);
}

function describe(head: WlrHead, { power }: WlrSnapshot, atMs: number): CompositorOutput {
  const { name, enabled, transform, modes, currentMode, make, model, serial } = head;
  const whileEnabled = <T>(value: T | undefined, why: string): Reading<T> => {
    if (!enabled) return unknown("the output is disabled");
    return value === undefined ? unknown(why) : seen(value, atMs);
  };
  return {
    name,
    enabled,
    power: power === undefined ? UNSUPPORTED : whileEnabled(power.get(name)?.state, "the compositor gives no power state of this output"),
    orientation: whileEnabled(ORIENTATIONS.get(transform), "the picture is mirrored"),
    mode: whileEnabled(currentMode, "the compositor names no mode"),
    modes: takesAnyMode(head) ? [] : [...new Map([...modes.values()].map((mode) => [modeText(mode), mode])).values()],
    make,
    model,
    serial,
  };
}

function enabledHead({ heads }: WlrSnapshot, output: string): Result<WlrHead> {
  const head = heads.find(({ name }) => name === output);
  if (head === undefined) return noSuchOutput(output, heads);
  return head.enabled ? ok(head) : disabled(output);
}

function noSuchOutput(output: string, all: readonly { readonly name: string }[]): Result<never> {
  return fail("compositor.no-such-output", `the compositor has no output ${output.slice(0, 60)}`, all.length === 0 ? "it has none" : `it has ${all.map(({ name }) => name).join(", ")}`);
}

function disabled(output: string): Result<never> {
  return fail("compositor.output-disabled", `the output ${output} is disabled in the compositor`);
}

/**
 * An output without a display, such as a headless one: it lists no more than the mode in use, prefers none, and nobody made it. A real
 * display is never given a mode that it does not list.
 */
function takesAnyMode({ modes, hasPreferredMode, currentMode, make, model }: WlrHead): boolean {
  return !hasPreferredMode && make === "" && model === "" && [...modes.values()].every((mode) => mode === currentMode);
}
