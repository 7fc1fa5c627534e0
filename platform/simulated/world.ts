import * as v from "valibot";
import type { HeardMessage } from "../ports/cec.ts";
import type { Clock, Timer, Timers } from "../ports/clock.ts";
import type { GpioLevel } from "../ports/gpio.ts";
import type { Random } from "../ports/random.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { OPCODE } from "../displays/cec/opcodes.ts";
import { Emitter } from "../runtime/emitter.ts";
import { isJsonObject, mergePatch, type Json } from "../runtime/json.ts";
import {
  BOOT_MS,
  freshWorldState,
  levelOf,
  newBootId,
  TV_OUTPUT,
  RELEASES_FOLDER,
  worldStateSchema,
  type DisplayMood,
  type WorldSection,
  type WorldState,
} from "./world-state.ts";
import { runSimulatedAction } from "./world-actions.ts";
import { describeIssue } from "./world-input.ts";
import { OWN_ADDRESS, TV_ADDRESS } from "./simulated-tv.ts";
import { reachesCloud } from "./simulated-site.ts";
import type { WorldControls, WorldHooks } from "./world-controls.ts";

export interface WorldDeps {
  /** True time. The device's wall clock is this plus `state.clock.offsetMs`. */
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Receives what a listener throws. Default: rethrows it. */
  readonly onListenerError?: (thrown: unknown) => void;
}

/** Time from boot until the time service has set the clock. */
export const CLOCK_SYNC_MS = 5_000;
/** Factor by which a slow TV warms up and cools down more slowly. */
const SLOW_FACTOR = 4;
/** Duration of one bounce of a push button's contacts. */
const BOUNCE_MS = 1;

/**
 * Hardware and surroundings of a simulated device. The agent uses it only through the adapter's ports; people and tests
 * change it with `apply`. Every change is announced after it is in the state.
 */
export class SimulatedWorld implements WorldControls {
  readonly #deps: WorldDeps;
  readonly #changed: Emitter<readonly WorldSection[]>;
  readonly #saidOnCec: Emitter<HeardMessage>;
  readonly #running = new Map<string, Timer>();
  #state: WorldState;
  #hooks: WorldHooks = {};

  /** With `stored` it continues from a saved state, including changes that were under way. */
  constructor(deps: WorldDeps, stored?: WorldState) {
    this.#deps = deps;
    const onListenerError = deps.onListenerError ?? ((thrown: unknown) => { throw thrown; });
    this.#changed = new Emitter(onListenerError);
    this.#saidOnCec = new Emitter(onListenerError);
    this.#state = stored === undefined ? freshWorldState(deps.random, deps.clock.wallMs()) : settledState(stored);
    if (this.#state.power.pending !== "none") this.boot();
    this.#continuePower();
    this.#scheduleSync();
  }

  get state(): WorldState {
    return this.#state;
  }

  /** Calls `listener` with the changed sections. Returns the unsubscribe function. */
  onChange(listener: (sections: readonly WorldSection[]) => void): () => void {
    return this.#changed.on(listener);
  }

  /** Calls `listener` with each message of another device on the CEC bus. Returns the unsubscribe function. */
  onCec(listener: (message: HeardMessage) => void): () => void {
    return this.#saidOnCec.on(listener);
  }

  setHooks(hooks: WorldHooks): void {
    this.#hooks = { ...this.#hooks, ...hooks };
  }

  get hooks(): WorldHooks {
    return this.#hooks;
  }

  /**
   * Runs `{ action, params }` from `simulatedActions`, or merges `{ patch }` (RFC 7396) into the state. The input is
   * untrusted; malformed input changes nothing. Errors: `simulated.bad-action`, `simulated.bad-patch`.
   */
  apply(input: unknown): Result<void> {
    if (!isJsonObject(input)) return fail("simulated.bad-action", "expected an object with `action` or `patch`");
    if (Object.hasOwn(input, "patch")) return this.#applyPatch(input["patch"] ?? null);
    return runSimulatedAction(this, input["action"], input["params"] ?? {});
  }

  update(change: Partial<Pick<WorldState, WorldSection>>): void {
    const next: WorldState = { ...this.#state, ...change };
    if (change.gpio !== undefined) next.gpio = { ...next.gpio, lines: withLevels(next.gpio.lines) };
    const sections = (Object.keys(change) as WorldSection[]).filter((section) => !sameJson(this.#state[section], next[section]));
    if (sections.length === 0) return;
    this.#state = next;
    this.#changed.emit(sections);
  }

  updateDisplay(change: Partial<WorldState["display"]>): void {
    this.update({ display: { ...this.#state.display, ...change } });
  }

  updateLine(name: string, change: Partial<WorldState["gpio"]["lines"][string]>): void {
    const { gpio } = this.#state;
    const line = gpio.lines[name];
    if (line === undefined) throw new Error(`no line ${name} in the simulated header`);
    this.update({ gpio: { ...gpio, lines: { ...gpio.lines, [name]: { ...line, ...change } } } });
  }

  turnDisplay(on: boolean): void {
    const { power } = this.#state.display;
    if (on ? power === "on" || power === "turning-on" : power === "standby" || power === "turning-off") return;
    this.updateDisplay({ power: on ? "turning-on" : "turning-off" });
    this.#continuePower();
  }

  setMood(mood: DisplayMood): void {
    const { outputs } = this.#state;
    const tv = outputs[TV_OUTPUT];
    const moodWhenPlugged = mood === "unplugged" ? this.#state.display.moodWhenPlugged : mood;
    this.update({
      display: { ...this.#state.display, mood, moodWhenPlugged },
      ...(tv === undefined ? {} : { outputs: { ...outputs, [TV_OUTPUT]: { ...tv, connected: mood !== "unplugged" } } }),
    });
  }

  plug(name: string, connected: boolean): Result<void> {
    const output = Object.hasOwn(this.#state.outputs, name) ? this.#state.outputs[name] : undefined;
    if (output === undefined)
      return fail("simulated.bad-action", `no output ${name}`, `one of ${Object.keys(this.#state.outputs).join(", ")}`);
    if (name === TV_OUTPUT) this.setMood(connected ? this.#state.display.moodWhenPlugged : "unplugged");
    else this.update({ outputs: { ...this.#state.outputs, [name]: { ...output, connected } } });
    return ok(undefined);
  }

  pressButton(name: string, holdMs: number, bounces: number): Result<void> {
    const line = this.#state.gpio.lines[name];
    if (line === undefined) return fail("simulated.bad-action", `no line ${name}`);
    if (line.direction !== "input") return fail("simulated.bad-action", `${name} is an output; a button there would be a short circuit`);
    const steps: ("up" | "down")[] = [];
    for (let i = 0; i < bounces; i++) steps.push("down", "up");
    const bouncing = steps.map((button, i) => ({ button, atMs: i * BOUNCE_MS }));
    const heldMs = Math.max(holdMs, (steps.length + 1) * BOUNCE_MS);
    const down = { button: "down" as const, atMs: steps.length * BOUNCE_MS };
    const releasing = steps.map((_, i) => ({ button: i % 2 === 0 ? ("up" as const) : ("down" as const), atMs: heldMs + i * BOUNCE_MS }));
    this.#moveButton(name, [...bouncing, down, ...releasing, { button: "up", atMs: heldMs + steps.length * BOUNCE_MS }], 0);
    return ok(undefined);
  }

  sayOnCec(message: HeardMessage): void {
    const { mood } = this.#state.display;
    if (mood !== "deaf" && mood !== "unplugged") this.#saidOnCec.emit(message);
  }

  holdRemoteKey(code: number, holdMs: number): void {
    const fromTv = { source: TV_ADDRESS, destination: OWN_ADDRESS };
    this.sayOnCec({ ...fromTv, opcode: OPCODE.userControlPressed, operands: Uint8Array.of(code) });
    this.#start("remote-key", holdMs, () => this.sayOnCec({ ...fromTv, opcode: OPCODE.userControlReleased, operands: new Uint8Array() }));
  }

  /** Whether the device's settings work at its site. `proxy`: the configured proxy, if any. */
  reachesCloud(proxy: string | undefined): boolean {
    const { software, network } = this.#state;
    if (software?.mood === "cut-off" && software.entries[`${RELEASES_FOLDER}/trial.json`] !== undefined) return false;
    return reachesCloud(network, proxy);
  }

  levelOf(name: string): GpioLevel | undefined {
    return this.#state.gpio.lines[name]?.level;
  }

  /** Boots after a reboot, a shutdown or a power cut: new boot id, all GPIO lines inputs again, TV unchanged. */
  boot(): void {
    this.#stop("forced-reset");
    const { gpio, power, clock } = this.#state;
    const lines = Object.fromEntries(
      Object.entries(gpio.lines).map(([name, line]) => [name, { ...line, direction: "input" as const, driven: 0 as const }]),
    );
    this.update({
      power: {
        ...power,
        bootId: newBootId(this.#deps.random),
        bootedAtMs: Math.round(this.#deps.clock.wallMs()) - BOOT_MS,
        boots: power.boots + 1,
        pending: "none",
      },
      gpio: { ...gpio, lines },
      clock: clock.sync === "automatic" ? { ...clock, quality: "local" } : clock,
    });
    this.#scheduleSync();
  }

  /** Calls `reset` after `delayMs` unless the machine boots before or it is called off (`undefined`). Outlives the agent. */
  resetIn(delayMs: number | undefined, reset: () => void): void {
    this.#stop("forced-reset");
    if (delayMs !== undefined) this.#start("forced-reset", delayMs, reset);
  }

  uptimeMs(): number {
    return Math.max(0, Math.round(this.#deps.clock.wallMs() - this.#state.power.bootedAtMs));
  }

  wallMs(): number {
    return this.#deps.clock.wallMs() + this.#state.clock.offsetMs;
  }

  /** The device's own clock, to be given to the agent. */
  deviceClock(): Clock {
    const { clock } = this.#deps;
    return { wallMs: () => this.wallMs(), monotonicMs: () => clock.monotonicMs() };
  }

  /** Stops the world's timers. The state stays as it is. */
  close(): void {
    for (const timer of this.#running.values()) timer.cancel();
    this.#running.clear();
  }

  #applyPatch(patch: Json): Result<void> {
    const refusal = refusedKey(patch);
    if (refusal !== undefined) return fail("simulated.bad-patch", refusal);
    const merged = mergePatch(this.#state, patch);
    const parsed = v.safeParse(worldStateSchema, merged);
    if (!parsed.success) return fail("simulated.bad-patch", describeIssue(parsed.issues[0]));
    const next = parsed.output;
    const missing = (["gpio", "outputs", "network"] as const).find(
      (section) => !sameJson(partsOf(this.#state, section), partsOf(next, section)),
    );
    if (missing !== undefined) return fail("simulated.bad-patch", `${missing}: hardware cannot be added or removed at run time`);
    const { version: _version, serial: _serial, ...sections } = next;
    this.update(sections);
    this.#continuePower();
    this.#scheduleSync();
    return ok(undefined);
  }

  #continuePower(): void {
    const { power, mood, warmUpMs, coolDownMs } = this.#state.display;
    this.#stop("display");
    if (power !== "turning-on" && power !== "turning-off") return;
    const delayMs = (power === "turning-on" ? warmUpMs : coolDownMs) * (mood === "slow" ? SLOW_FACTOR : 1);
    this.#start("display", delayMs, () => this.updateDisplay({ power: power === "turning-on" ? "on" : "standby" }));
  }

  #scheduleSync(): void {
    this.#stop("clock-sync");
    const due = (): boolean => this.#state.clock.sync === "automatic" && this.#state.clock.quality !== "synced";
    if (!due()) return;
    this.#start("clock-sync", CLOCK_SYNC_MS, () => {
      if (!due()) return;
      if (this.#state.network.link === "up") this.update({ clock: { ...this.#state.clock, quality: "synced", offsetMs: 0 } });
      else this.#scheduleSync();
    });
  }

  #moveButton(name: string, steps: readonly { readonly button: "up" | "down"; readonly atMs: number }[], nowMs: number): void {
    this.#stop(`button.${name}`);
    const [step, ...rest] = steps;
    if (step === undefined) return;
    if (step.atMs > nowMs) this.#start(`button.${name}`, step.atMs - nowMs, () => this.#moveButton(name, steps, step.atMs));
    else {
      this.updateLine(name, { button: step.button });
      this.#moveButton(name, rest, nowMs);
    }
  }

  #start(name: string, delayMs: number, fire: () => void): void {
    const timer = this.#deps.timers.after(`simulated.${name}`, delayMs, () => {
      this.#running.delete(name);
      fire();
    });
    this.#running.set(name, timer);
  }

  #stop(name: string): void {
    this.#running.get(name)?.cancel();
    this.#running.delete(name);
  }
}

/** Releases all buttons, because the process that held them is gone. */
function settledState(stored: WorldState): WorldState {
  const lines = Object.fromEntries(Object.entries(stored.gpio.lines).map(([name, line]) => [name, { ...line, button: "up" as const }]));
  return { ...stored, gpio: { ...stored.gpio, lines: withLevels(lines) } };
}

function withLevels(lines: WorldState["gpio"]["lines"]): WorldState["gpio"]["lines"] {
  return Object.fromEntries(Object.entries(lines).map(([name, line]) => [name, { ...line, level: levelOf(line, lines) }]));
}

/** The first key that must not be patched: the boot id would fake a reboot; identity and levels follow from the rest. */
function refusedKey(patch: Json): string | undefined {
  if (!isJsonObject(patch)) return "expected an object";
  for (const key of ["version", "serial"]) if (Object.hasOwn(patch, key)) return `${key} cannot be changed`;
  const power = patch["power"];
  if (isJsonObject(power) && Object.keys(power).some((key) => key !== "mood"))
    return "power: only its mood can be changed; a boot is not a patch";
  return undefined;
}

function partsOf(state: WorldState, section: "gpio" | "outputs" | "network"): unknown {
  if (section === "gpio") return Object.entries(state.gpio.lines).map(([name, line]) => [name, line.offset]);
  return Object.keys(section === "outputs" ? state.outputs : state.network.interfaces);
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
