import type { Cec } from "../../ports/cec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DisplayDriver, Orders, Question, Told } from "../../ports/display-driver.ts";
import type { DisplayPower } from "../../ports/display-properties.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../../ports/reading.ts";
import { frameMs, LOGICAL_ADDRESS, OPCODE, POWER_STATUS, REPLY_TIMEOUT_MS, USER_CONTROL } from "./opcodes.ts";

export interface CecDriverDeps {
  readonly cec: Cec;
  readonly clock: Clock;
  /** Physical address of each input: HDMI 2 of the TV is 0x2000, its own tuner 0x0000. */
  readonly inputs: ReadonlyMap<string, number>;
  /** The input whose address is ours. */
  readonly ownInput?: string;
}

/** Time on the wire for a key press and its release. */
const KEY_MS = frameMs(2) + frameMs(1);
/** Time for one query and its reply on the wire, including the wait between them. */
const ASK_MS = frameMs(1) + frameMs(3) + REPLY_TIMEOUT_MS;

/** A TV on HDMI-CEC. CEC has no message for brightness or orientation; compose it with a driver for another wire. */
export class CecDriver implements DisplayDriver {
  readonly powerObservedBy = "panel";
  readonly ownInput?: string;
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly #deps: CecDriverDeps;

  constructor(deps: CecDriverDeps) {
    this.#deps = deps;
    if (deps.ownInput !== undefined) this.ownInput = deps.ownInput;
    const worstCaseMs = ASK_MS;
    this.questions = [
      { answers: ["power"], worstCaseMs, ask: async () => ({ power: await this.#power() }) },
      { answers: ["input"], worstCaseMs, ask: async () => ({ input: await this.#input() }) },
      { answers: ["volume", "mute"], worstCaseMs, ask: () => this.#audio() },
    ];
    this.orders = {
      power: { kind: "set", worstCaseMs: frameMs(1) + REPLY_TIMEOUT_MS, say: (value) => this.#tell(LOGICAL_ADDRESS.tv, value === "on" ? OPCODE.imageViewOn : OPCODE.standby) },
      input: { kind: "set", choices: [...deps.inputs.keys()], worstCaseMs: frameMs(3), say: (name) => this.#activate(name) },
      volume: { kind: "step", worstCaseMs: 100 * KEY_MS, step: (from, to) => this.#pressOften(to > from ? USER_CONTROL.volumeUp : USER_CONTROL.volumeDown, Math.abs(to - from)) },
      mute: { kind: "set", worstCaseMs: KEY_MS, say: (mute) => this.#press(mute ? USER_CONTROL.muteFunction : USER_CONTROL.restoreVolumeFunction) },
    };
  }

  async #power(): Promise<Reading<DisplayPower>> {
    const operands = await this.#ask(LOGICAL_ADDRESS.tv, OPCODE.giveDevicePowerStatus, OPCODE.reportPowerStatus);
    return decoded(operands, ([status = 255]) => POWER_STATUS[status]);
  }

  async #input(): Promise<Reading<string>> {
    const operands = await this.#ask(LOGICAL_ADDRESS.broadcast, OPCODE.requestActiveSource, OPCODE.activeSource);
    return decoded(operands, ([high = 255, low = 255]) => {
      const address = (high << 8) | low;
      return [...this.#deps.inputs].find(([, candidate]) => candidate === address)?.[0];
    });
  }

  async #audio(): Promise<{ volume: Reading<number>; mute: Reading<boolean> }> {
    const operands = await this.#ask(LOGICAL_ADDRESS.tv, OPCODE.giveAudioStatus, OPCODE.reportAudioStatus);
    // Bit 7 is mute; 0x7f says that the TV does not know its own volume (CEC table 26).
    const known = decoded(operands, ([status = 0x7f]) => ((status & 0x7f) > 100 ? undefined : status));
    return { volume: decoded(known, (status) => status & 0x7f), mute: decoded(known, (status) => status >= 0x80) };
  }

  async #ask(destination: number, opcode: number, answer: number): Promise<Reading<Uint8Array>> {
    const sent = await this.#deps.cec.send({ destination, opcode, operands: new Uint8Array() }, REPLY_TIMEOUT_MS);
    if (!sent.ok) return failed(sent.error);
    if (!sent.value.acknowledged) return unknown("the display does not acknowledge its address");
    const { reply } = sent.value;
    if (reply === undefined) return unknown("the display did not answer in time");
    if (reply.opcode === OPCODE.featureAbort) return UNSUPPORTED;
    if (reply.opcode !== answer) return unknown("the display answered something else");
    return seen(reply.operands, this.#deps.clock.monotonicMs());
  }

  /** Keys are not waited for one by one: a volume of many steps would take minutes. */
  async #tell(destination: number, opcode: number, ...operands: number[]): Promise<Told> {
    const isKey = opcode === OPCODE.userControlPressed || opcode === OPCODE.userControlReleased;
    const refusable = !isKey && destination !== LOGICAL_ADDRESS.broadcast;
    const sent = await this.#deps.cec.send({ destination, opcode, operands: Uint8Array.from(operands) }, refusable ? REPLY_TIMEOUT_MS : 0);
    // After a line error the TV may have received the frame; after any other error nothing was sent.
    if (!sent.ok) return { attempted: sent.error.code === "cec.bus", error: sent.error };
    if (sent.value.reply?.opcode === OPCODE.featureAbort) {
      return { attempted: true, acknowledged: false, error: { code: "display.refused", message: "the display received the message and refused it (Feature Abort)", hint: "HDMI-CEC may be switched off in its menu" } };
    }
    if (sent.value.acknowledged) return { attempted: true, acknowledged: true };
    return { attempted: true, acknowledged: false, error: { code: "display.no-answer", message: "the display did not acknowledge the message" } };
  }

  async #activate(input: string): Promise<Told> {
    const address = this.#deps.inputs.get(input) ?? 0;
    const told = await this.#tell(LOGICAL_ADDRESS.broadcast, OPCODE.activeSource, address >> 8, address & 0xff);
    // Broadcasts are not acknowledged, so `acknowledged` is left out.
    return told.error === undefined ? { attempted: true } : told;
  }

  /** An acknowledged key press takes effect even if its release fails. */
  async #press(key: number): Promise<Told> {
    const pressed = await this.#tell(LOGICAL_ADDRESS.tv, OPCODE.userControlPressed, key);
    if (pressed.error !== undefined) return pressed;
    const { error } = await this.#tell(LOGICAL_ADDRESS.tv, OPCODE.userControlReleased);
    return error === undefined ? pressed : { ...pressed, error: { ...error, message: `the key was heard, and its release was not: ${error.message}` } };
  }

  /** Presses a key `times` times, stopping at the first failure. */
  async #pressOften(key: number, times: number): Promise<Told> {
    // With zero presses nothing is sent, so nothing is acknowledged.
    let last: Told = { attempted: true };
    let heard = 0;
    for (let pressed = 0; pressed < times && last.error === undefined; pressed += 1) {
      last = await this.#press(key);
      if (last.acknowledged === true) heard += 1;
    }
    if (last.error === undefined) return last;
    const error = { ...last.error, message: `${heard} of ${times} keys were heard: ${last.error.message}` };
    return heard === 0 ? { ...last, error } : { ...last, attempted: true, heardInPart: true, error };
  }
}

/** Decodes the value of a reading; `of` returns `undefined` for a value the protocol does not define. */
function decoded<T, U>(reading: Reading<T>, of: (value: T) => U | undefined): Reading<U> {
  if (reading.kind !== "ok") return reading;
  const value = of(reading.value);
  return value === undefined ? unknown("the display's answer makes no sense") : seen(value, reading.atMs);
}
