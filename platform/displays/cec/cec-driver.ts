import type { Cec } from "../../ports/cec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DisplayDriver, OrderJudgement, Orders, OtherWays, Question, Told } from "../../ports/display-driver.ts";
import type { DisplayPower, DisplayProperty } from "../../ports/display-properties.ts";
import { seen, type Reading } from "../../ports/reading.ts";
import { toHex } from "../../runtime/encoding.ts";
import { ASK_MS, CecTalk, decoded, KEY_MS } from "./cec-talk.ts";
import { frameMs, LOGICAL_ADDRESS, OPCODE, POWER_STATUS, REPLY_TIMEOUT_MS, USER_CONTROL } from "./opcodes.ts";
import { TvMethods, type TvMethod, type TvTask } from "./tv-methods.ts";

export interface CecDriverDeps {
  readonly cec: Cec;
  readonly clock: Clock;
  /** Physical address of each input: HDMI 2 of the TV is 0x2000, its own tuner 0x0000. */
  readonly inputs: ReadonlyMap<string, number>;
  /** The input whose address is ours. */
  readonly ownInput?: string;
  /** Maker and model of the display on the cable, from its EDID. */
  readonly edid?: () => Promise<string | undefined>;
}

/** An emulated TV showed its old power state for 2.4 s after an order; some go on showing it until they have changed, after 8 s. */
const POWER_REACT_MS = 10_000;
/** A power order is given at most twice in a call, so that its worst case stays below the minute that a command has. */
const TRIES_MAX = 2;
/** Audio systems are switched on and off and TVs are exchanged: what was asked is asked again after this time. */
const ASKED_AGE_MAX_MS = 60_000;
/** A reading older than this does not prove that the display had the other value before an order. */
const BEFORE_AGE_MAX_MS = 60_000;

/** An order that was given, until it is known what came of it. */
interface Given {
  readonly task: TvTask;
  readonly method: TvMethod;
  readonly wanted: unknown;
  /** The display had another value before or since. */
  sawOther: boolean;
}

/** A TV on HDMI-CEC. CEC has no message for brightness or orientation; compose it with a driver for another wire. */
export class CecDriver implements DisplayDriver {
  readonly powerObservedBy = "panel";
  readonly ownInput?: string;
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly memory = new TvMethods();
  readonly #deps: CecDriverDeps;
  readonly #talk: CecTalk;
  readonly #stopListening: (() => void) | undefined;
  readonly #last = new Map<DisplayProperty, { readonly value: unknown; readonly atMs: number }>();
  #given: Given | undefined;
  /** Whose volume it is: the audio system's while System Audio Mode is on, else the TV's. */
  #speaker: { readonly address: number; readonly atMs: number } | undefined;
  #identifiedMs: number | undefined;
  /** We were the last to say that we are the active source. */
  #isShown = false;

  constructor(deps: CecDriverDeps) {
    this.#deps = deps;
    const { cec, clock, inputs, ownInput } = deps;
    if (ownInput !== undefined) this.ownInput = ownInput;
    this.#talk = new CecTalk(cec, clock);
    this.#stopListening = cec.onMessage?.(({ opcode, operands }) => this.#hear(opcode, operands));
    const worstCaseMs = ASK_MS;
    this.questions = [
      { answers: ["power"], worstCaseMs, ask: async () => ({ power: this.#note("power", await this.#power()) }) },
      { answers: ["input"], worstCaseMs, ask: async () => ({ input: this.#note("input", await this.#input()) }) },
      { answers: ["volume", "mute"], worstCaseMs: 2 * worstCaseMs, ask: () => this.#audio() },
    ];
    const otherWays: OtherWays = { triesMax: TRIES_MAX, judge: (judgement) => this.#judge(judgement) };
    this.orders = {
      power: {
        kind: "set", reactMs: POWER_REACT_MS, otherWays, worstCaseMs: ASK_MS + frameMs(1) + REPLY_TIMEOUT_MS,
        say: (value) => this.#give("power", value, value === "on" ? "power-on" : "power-off", (method) => this.#switch(method)),
      },
      input: { kind: "set", choices: [...inputs.keys()], otherWays, worstCaseMs: ASK_MS + frameMs(3), say: (name) => this.#give("input", name, "input", (method) => this.#show(name, method)) },
      volume: {
        kind: "step", otherWays, worstCaseMs: 2 * ASK_MS + 100 * KEY_MS,
        step: (from, to) => this.#give("volume", to, "volume", (method) => this.#turnVolume(from, to, method)),
      },
      mute: { kind: "set", otherWays, worstCaseMs: 2 * ASK_MS + KEY_MS, say: (mute) => this.#give("mute", mute, "mute", (method) => this.#mute(mute, method)) },
    };
  }

  close(): void {
    this.#talk.close();
    this.#stopListening?.();
  }

  #hear(opcode: number, [high = 0xff]: Uint8Array): void {
    if (opcode === OPCODE.setSystemAudioMode || opcode === OPCODE.systemAudioModeStatus) this.#speaker = undefined;
    if (opcode === OPCODE.activeSource || opcode === OPCODE.routingChange) this.#isShown = false;
    // The TV asks a source to show itself; the bus answers for us.
    if (opcode === OPCODE.setStreamPath) this.#isShown = high >> 4 === (this.#deps.inputs.get(this.ownInput ?? "") ?? 0) >> 12;
  }

  async #power(): Promise<Reading<DisplayPower>> {
    const operands = await this.#talk.ask(LOGICAL_ADDRESS.tv, OPCODE.giveDevicePowerStatus, OPCODE.reportPowerStatus);
    return decoded(operands, ([status = 255]) => POWER_STATUS[status]);
  }

  async #input(): Promise<Reading<string>> {
    const { ownInput, clock, inputs } = this.#deps;
    const operands = await this.#talk.ask(LOGICAL_ADDRESS.broadcast, OPCODE.requestActiveSource, OPCODE.activeSource);
    // The active source answers this question. Nobody does if that is us.
    if (operands.kind === "unknown" && this.#isShown && ownInput !== undefined) return seen(ownInput, clock.monotonicMs());
    return decoded(operands, ([high = 255, low = 255]) => {
      const address = (high << 8) | low;
      return [...inputs].find(([, candidate]) => candidate === address)?.[0];
    });
  }

  async #audio(): Promise<{ volume: Reading<number>; mute: Reading<boolean> }> {
    const operands = await this.#talk.ask(await this.#speakerAddress(), OPCODE.giveAudioStatus, OPCODE.reportAudioStatus);
    // Bit 7 is mute; 0x7f says that the TV does not know its own volume (CEC table 26).
    const known = decoded(operands, ([status = 0x7f]) => ((status & 0x7f) > 100 ? undefined : status));
    return {
      volume: this.#note("volume", decoded(known, (status) => status & 0x7f)),
      mute: this.#note("mute", decoded(known, (status) => status >= 0x80)),
    };
  }

  /** The audio system if there is one and the TV's sound comes from it (System Audio Mode), else the TV. */
  async #speakerAddress(): Promise<number> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#speaker !== undefined && nowMs - this.#speaker.atMs < ASKED_AGE_MAX_MS) return this.#speaker.address;
    const mode = await this.#talk.ask(LOGICAL_ADDRESS.audioSystem, OPCODE.giveSystemAudioModeStatus, OPCODE.systemAudioModeStatus);
    const address = mode.kind === "ok" && mode.value[0] === 1 ? LOGICAL_ADDRESS.audioSystem : LOGICAL_ADDRESS.tv;
    // After a line error or without a cable it is not known.
    if (mode.kind !== "failed") this.#speaker = { address, atMs: nowMs };
    return address;
  }

  /** Gives an order by the method that works on this TV, as far as that is known. */
  async #give(property: DisplayProperty, wanted: unknown, task: TvTask, say: (method: TvMethod) => Promise<Told>): Promise<Told> {
    await this.#identify();
    const method = this.memory.choose(task);
    const before = this.#last.get(property);
    const sawOther = before !== undefined && before.value !== wanted && this.#deps.clock.monotonicMs() - before.atMs <= BEFORE_AGE_MAX_MS;
    this.#given = { task, method, wanted, sawOther };
    return say(method);
  }

  #switch(method: TvMethod): Promise<Told> {
    const { tv } = LOGICAL_ADDRESS;
    switch (method) {
      case "power-on-key":
        return this.#talk.press(tv, USER_CONTROL.powerOn);
      case "power-off-key":
        return this.#talk.press(tv, USER_CONTROL.powerOff);
      case "text-view-on":
        return this.#talk.tell(tv, OPCODE.textViewOn);
      case "image-view-on":
        return this.#talk.tell(tv, OPCODE.imageViewOn);
      default:
        return this.#talk.tell(tv, OPCODE.standby);
    }
  }

  async #show(input: string, method: TvMethod): Promise<Told> {
    const address = this.#deps.inputs.get(input) ?? 0;
    const told = await this.#talk.tellAll(method === "stream-path" ? OPCODE.setStreamPath : OPCODE.activeSource, address >> 8, address & 0xff);
    if (told.error === undefined) this.#isShown = input === this.#deps.ownInput && method === "active-source";
    return told;
  }

  async #turnVolume(from: number, to: number, method: TvMethod): Promise<Told> {
    const speaker = await this.#speakerAddress();
    if (method === "level") return this.#talk.tell(speaker, OPCODE.setAudioVolumeLevel, to);
    return this.#talk.pressOften(speaker, to > from ? USER_CONTROL.volumeUp : USER_CONTROL.volumeDown, Math.abs(to - from));
  }

  async #mute(mute: boolean, method: TvMethod): Promise<Told> {
    const speaker = await this.#speakerAddress();
    const now = this.#last.get("mute")?.value;
    if (method !== "mute-key" || now === undefined) return this.#talk.press(speaker, mute ? USER_CONTROL.muteFunction : USER_CONTROL.restoreVolumeFunction);
    // The plain key toggles.
    return now === !mute ? this.#talk.press(speaker, USER_CONTROL.mute) : { attempted: true };
  }

  #note<T>(property: DisplayProperty, reading: Reading<T>): Reading<T> {
    if (reading.kind !== "ok") this.#last.delete(property);
    else {
      this.#last.set(property, { value: reading.value, atMs: reading.atMs });
      const given = this.#given;
      if (given !== undefined && taskProperty(given.task) === property && given.wanted !== reading.value) given.sawOther = true;
    }
    return reading;
  }

  #judge(judgement: OrderJudgement): boolean {
    const given = this.#given;
    this.#given = undefined;
    if (given === undefined) return false;
    // What was so before proves nothing about the method.
    return this.memory.judge(given.task, given.method, judgement === "obeyed" && !given.sawOther ? "unclear" : judgement);
  }

  /** Finds out which TV this is: by maker and model of its EDID, or without one by its vendor's number on CEC. */
  async #identify(): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#identifiedMs !== undefined && nowMs - this.#identifiedMs < ASKED_AGE_MAX_MS) return;
    const tv = (await this.#deps.edid?.()) ?? (await this.#vendor());
    // A TV in standby may not say; it is still the one it was.
    if (tv === undefined) return;
    this.#identifiedMs = nowMs;
    this.memory.identify(tv);
  }

  async #vendor(): Promise<string | undefined> {
    const answer = await this.#talk.ask(LOGICAL_ADDRESS.tv, OPCODE.giveDeviceVendorId, OPCODE.deviceVendorId);
    const number = decoded(answer, (bytes) => (bytes.length === 3 ? toHex(bytes) : undefined));
    return number.kind === "ok" ? `vendor ${number.value}` : undefined;
  }
}

function taskProperty(task: TvTask): DisplayProperty {
  return task === "power-on" || task === "power-off" ? "power" : task;
}
