import type { Cec, CecMessage, CecReply } from "../../ports/cec.ts";
import type { Clock, Timers } from "../../ports/clock.ts";
import type { Display, DisplayCapabilities, DisplayPower, DisplayStatus, Orientation } from "../../ports/display.ts";
import { failed, seen, unknown, UNSUPPORTED, type Effect, type Reading } from "../../ports/reading.ts";
import type { Issue, Result } from "../../ports/result.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { frameMs, LOGICAL_ADDRESS, OPCODE, POWER_STATUS, REPLY_TIMEOUT_MS, USER_CONTROL } from "./opcodes.ts";

/** A panel feature reached by another wire than CEC, which has no message for it. */
export interface PanelControl<T> {
  read(): Promise<Reading<T>>;
  set(value: T): Promise<Effect<T>>;
}

export interface CecDisplayDeps {
  readonly cec: Cec;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Physical address of each input: HDMI 2 of the TV is 0x2000, its own tuner 0x0000. */
  readonly inputs: ReadonlyMap<string, number>;
  /** The input whose address is ours. */
  readonly ownInput?: string;
  readonly brightness?: PanelControl<number>;
  readonly orientation?: PanelControl<Orientation> & { readonly choices: readonly Orientation[] };
}

/** An obedient TV has begun to change this long after it acknowledged. */
const REACT_MS = 2_500;
const POLL_MS = 400;
/** Pressing and releasing a key, on the wire. */
const KEY_MS = frameMs(2) + frameMs(1);
/** One question and its answer, both on the wire, and the time between. */
const ASK_MS = frameMs(1) + frameMs(3) + REPLY_TIMEOUT_MS;
/** A TV that is still warming up after this is reported as `turning-on`; waiting longer would hold the lane. */
const SETTLE_MS = 15_000;

/**
 * A TV on HDMI-CEC. What it acknowledges is what the bus acknowledged; what it observed is what the TV
 * answered when asked again. The two differ on real televisions, so neither stands in for the other.
 */
export class CecDisplay implements Display {
  readonly capabilities: DisplayCapabilities;
  /** Volume from 0 to 100 is the longest: a hundred keys, a question before and after, two panel messages' worth of slack. */
  readonly worstCaseMs = Math.ceil(Math.max(SETTLE_MS, 100 * KEY_MS) + REACT_MS + 4 * ASK_MS);
  readonly #deps: CecDisplayDeps;
  readonly #bus = new OneAtATime();

  constructor(deps: CecDisplayDeps) {
    this.#deps = deps;
    this.capabilities = {
      power: true,
      inputs: [...deps.inputs.keys()],
      ...(deps.ownInput !== undefined && { ownInput: deps.ownInput }),
      brightness: deps.brightness !== undefined,
      volume: true,
      mute: true,
      orientations: deps.orientation?.choices ?? [],
      powerObservedBy: "panel",
    };
  }

  status(): Promise<DisplayStatus> {
    return this.#bus.run(async () => {
      const power = await this.#readPower();
      const input = await this.#readInput();
      const audio = await this.#readAudio();
      return {
        power,
        input,
        brightness: (await this.#deps.brightness?.read()) ?? UNSUPPORTED,
        volume: mapReading(audio, (status) => status.volume),
        mute: mapReading(audio, (status) => status.mute),
        orientation: (await this.#deps.orientation?.read()) ?? UNSUPPORTED,
      };
    });
  }

  setPower(on: boolean): Promise<Effect<DisplayPower>> {
    const wanted: DisplayPower = on ? "on" : "standby";
    const onItsWay: DisplayPower = on ? "turning-on" : "turning-off";
    return this.#bus.run(async () => {
      const sent = await this.#tell(LOGICAL_ADDRESS.tv, on ? OPCODE.imageViewOn : OPCODE.standby);
      if (sent.error !== undefined) return unheard(sent, sent.error);
      const startedMs = this.#deps.clock.monotonicMs();
      const observed = await this.#until(
        () => this.#readPower(),
        (power, sinceMs) => power === wanted || (power !== onItsWay && sinceMs >= REACT_MS) || sinceMs >= SETTLE_MS,
        startedMs,
      );
      return concluded(observed, (power) => power === wanted || power === onItsWay, sent);
    });
  }

  setInput(input: string): Promise<Effect<string>> {
    const address = this.#deps.inputs.get(input);
    if (address === undefined) {
      return Promise.resolve(
        refused({
          code: "display.no-such-input",
          message: "the display has no such input",
          hint: `one of ${[...this.#deps.inputs.keys()].join(", ")}`,
        }),
      );
    }
    return this.#bus.run(async () => {
      const sent = await this.#tell(LOGICAL_ADDRESS.broadcast, OPCODE.activeSource, address >> 8, address & 0xff);
      if (sent.error !== undefined) return unheard(sent, sent.error);
      const observed = await this.#until(
        () => this.#readInput(),
        (now, sinceMs) => now === input || sinceMs >= REACT_MS,
        this.#deps.clock.monotonicMs(),
      );
      // Nobody acknowledges a broadcast, so there is nothing to claim here.
      return concluded(observed, (now) => now === input, { attempted: true });
    });
  }

  setBrightness(percent: number): Promise<Effect<number>> {
    const { brightness } = this.#deps;
    if (brightness === undefined) return Promise.resolve(unsupportedEffect());
    if (!isPercent(percent)) return Promise.resolve(outOfRange());
    return this.#bus.run(() => brightness.set(percent));
  }

  setVolume(percent: number): Promise<Effect<number>> {
    if (!isPercent(percent)) return Promise.resolve(outOfRange());
    return this.#bus.run(async () => {
      const before = await this.#readAudio();
      // Keys move the volume by one: without knowing where it is, no number of keys leads to a given percent.
      if (before.kind !== "ok") return { attempted: false, observed: before, error: issueOf(before) };
      const steps = percent - before.value.volume;
      const key = steps > 0 ? USER_CONTROL.volumeUp : USER_CONTROL.volumeDown;
      const sent = await this.#pressOften(key, Math.abs(steps));
      if (sent.error !== undefined && sent.acknowledged !== true && sent.heard === 0) return unheard(sent, sent.error);
      const observed = await this.#until(
        () => this.#readVolume(),
        (volume, sinceMs) => volume === percent || sinceMs >= REACT_MS,
        this.#deps.clock.monotonicMs(),
      );
      return concluded(observed, (volume) => volume === percent, sent);
    });
  }

  setMute(mute: boolean): Promise<Effect<boolean>> {
    return this.#bus.run(async () => {
      const sent = await this.#press(mute ? USER_CONTROL.muteFunction : USER_CONTROL.restoreVolumeFunction);
      if (sent.error !== undefined && sent.acknowledged !== true) return unheard(sent, sent.error);
      const read = async (): Promise<Reading<boolean>> => mapReading(await this.#readAudio(), (status) => status.mute);
      const observed = await this.#until(read, (now, sinceMs) => now === mute || sinceMs >= REACT_MS, this.#deps.clock.monotonicMs());
      return concluded(observed, (now) => now === mute, sent);
    });
  }

  setOrientation(orientation: Orientation): Promise<Effect<Orientation>> {
    const control = this.#deps.orientation;
    if (control === undefined) return Promise.resolve(unsupportedEffect());
    if (!control.choices.includes(orientation)) {
      return Promise.resolve(
        refused({
          code: "display.no-such-orientation",
          message: "the display has no such orientation",
          hint: `one of ${control.choices.join(", ")}`,
        }),
      );
    }
    return this.#bus.run(() => control.set(orientation));
  }

  async #readPower(): Promise<Reading<DisplayPower>> {
    const operands = await this.#ask(LOGICAL_ADDRESS.tv, OPCODE.giveDevicePowerStatus, OPCODE.reportPowerStatus);
    return chain(operands, (bytes) => POWER_STATUS[bytes[0] ?? 255]);
  }

  async #readInput(): Promise<Reading<string>> {
    const operands = await this.#ask(LOGICAL_ADDRESS.broadcast, OPCODE.requestActiveSource, OPCODE.activeSource);
    return chain(operands, (bytes) => {
      const address = ((bytes[0] ?? 255) << 8) | (bytes[1] ?? 255);
      return [...this.#deps.inputs].find(([, candidate]) => candidate === address)?.[0];
    });
  }

  async #readVolume(): Promise<Reading<number>> {
    return mapReading(await this.#readAudio(), (status) => status.volume);
  }

  async #readAudio(): Promise<Reading<{ readonly volume: number; readonly mute: boolean }>> {
    const operands = await this.#ask(LOGICAL_ADDRESS.tv, OPCODE.giveAudioStatus, OPCODE.reportAudioStatus);
    // Bit 7 is mute; 0x7f says that the TV does not know its own volume (CEC table 26).
    return chain(operands, ([status = 0x7f]) => ((status & 0x7f) > 100 ? undefined : { volume: status & 0x7f, mute: status >= 0x80 }));
  }

  /** Reads again and again until `enough` or until the TV no longer answers. */
  async #until<T>(read: () => Promise<Reading<T>>, enough: (value: T, sinceMs: number) => boolean, startedMs: number): Promise<Reading<T>> {
    for (;;) {
      const reading = await read();
      if (reading.kind !== "ok" || enough(reading.value, this.#deps.clock.monotonicMs() - startedMs)) return reading;
      await new Promise<void>((resolve) => this.#deps.timers.after("cec-display.poll", POLL_MS, resolve));
    }
  }

  async #ask(destination: number, opcode: number, answer: number): Promise<Reading<Uint8Array>> {
    const sent = await this.#send({ destination, opcode, operands: new Uint8Array() }, REPLY_TIMEOUT_MS);
    if (!sent.ok) return failed(sent.error);
    if (!sent.value.acknowledged) return unknown("the display does not acknowledge its address");
    const { reply } = sent.value;
    if (reply === undefined) return unknown("the display did not answer in time");
    if (reply.opcode === OPCODE.featureAbort) return UNSUPPORTED;
    if (reply.opcode !== answer) return unknown("the display answered something else");
    return seen(reply.operands, this.#deps.clock.monotonicMs());
  }

  async #tell(destination: number, opcode: number, ...operands: number[]): Promise<Sent> {
    const sent = await this.#send({ destination, opcode, operands: Uint8Array.from(operands) }, 0);
    // After a line error the frame may have been heard; in every other case nothing left us.
    if (!sent.ok) return { attempted: sent.error.code === "cec.bus", error: sent.error };
    if (sent.value.acknowledged) return { attempted: true, acknowledged: true };
    return { attempted: true, acknowledged: false, error: { code: "display.no-answer", message: "the display did not acknowledge the message" } };
  }

  /** A key that was heard has its effect, whatever becomes of its release. */
  async #press(key: number): Promise<Sent> {
    const pressed = await this.#tell(LOGICAL_ADDRESS.tv, OPCODE.userControlPressed, key);
    if (pressed.error !== undefined) return pressed;
    const { error } = await this.#tell(LOGICAL_ADDRESS.tv, OPCODE.userControlReleased);
    return error === undefined ? pressed : { ...pressed, error: { ...error, message: `the key was heard, and its release was not: ${error.message}` } };
  }

  /** Presses a key `times` times, and stops at the first one that goes wrong. `heard`: keys that were acknowledged. */
  async #pressOften(key: number, times: number): Promise<Sent & { readonly heard: number }> {
    // No key is needed for what is so already; then nothing was acknowledged either.
    let last: Sent = { attempted: true };
    let heard = 0;
    for (let pressed = 0; pressed < times && last.error === undefined; pressed += 1) {
      last = await this.#press(key);
      if (last.acknowledged === true) heard += 1;
    }
    if (last.error === undefined) return { ...last, heard };
    const error = { ...last.error, message: `${heard} of ${times} keys were heard: ${last.error.message}` };
    return { ...last, attempted: last.attempted || heard > 0, heard, error };
  }

  #send(message: CecMessage, replyTimeoutMs: number): Promise<Result<CecReply>> {
    return this.#deps.cec.send(message, replyTimeoutMs);
  }
}

function isPercent(percent: number): boolean {
  return Number.isInteger(percent) && percent >= 0 && percent <= 100;
}

function refused<T>(error: Issue): Effect<T> {
  return { attempted: false, observed: unknown("nothing was tried"), error };
}

function outOfRange(): Effect<number> {
  return refused({ code: "display.out-of-range", message: "expected a whole percentage from 0 to 100" });
}

function unsupportedEffect<T>(): Effect<T> {
  return { attempted: false, observed: UNSUPPORTED, error: { code: "display.unsupported", message: "this display cannot do that" } };
}

/** What became of the frames of one order. */
interface Sent {
  /** At least one of them may have reached the display. */
  readonly attempted: boolean;
  /** Of the last one that carries the order. */
  readonly acknowledged?: boolean;
  /** Why not all of them were sent and acknowledged. */
  readonly error?: Issue;
}

/** The effect of an order of which the display acknowledged nothing. */
function unheard<T>({ attempted, acknowledged }: Sent, error: Issue): Effect<T> {
  if (acknowledged === undefined) return { attempted, observed: failed(error), error };
  return { attempted, acknowledged, observed: unknown("the display does not acknowledge its address"), error };
}

/** The effect of an order that was heard, in whole or in part. */
function concluded<T>(observed: Reading<T>, obeyed: (value: T) => boolean, { attempted, acknowledged, error }: Sent): Effect<T> {
  const effect: Effect<T> = { attempted, ...(acknowledged === undefined ? {} : { acknowledged }), observed };
  if (observed.kind === "unsupported") return error === undefined ? effect : { ...effect, error };
  if (observed.kind !== "ok") return { ...effect, error: error ?? issueOf(observed) };
  if (obeyed(observed.value)) return effect;
  return { ...effect, error: error ?? { code: "display.not-obeyed", message: "the display took the message and did something else" } };
}

function issueOf(reading: Exclude<Reading<unknown>, { kind: "ok" }>): Issue {
  if (reading.kind === "failed") return reading.error;
  if (reading.kind === "unsupported") return { code: "display.unsupported", message: "this display cannot do that" };
  return { code: "display.no-answer", message: reading.why };
}

function mapReading<T, U>(reading: Reading<T>, of: (value: T) => U): Reading<U> {
  return reading.kind === "ok" ? seen(of(reading.value), reading.atMs) : reading;
}

function chain<U>(reading: Reading<Uint8Array>, of: (bytes: Uint8Array) => U | undefined): Reading<U> {
  if (reading.kind !== "ok") return reading;
  const value = of(reading.value);
  return value === undefined ? unknown("the display's answer makes no sense") : seen(value, reading.atMs);
}
