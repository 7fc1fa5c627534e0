import type { Cec } from "../../ports/cec.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Told } from "../../ports/display-driver.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../../ports/reading.ts";
import type { Issue } from "../../ports/result.ts";
import { frameMs, LOGICAL_ADDRESS, OPCODE, REPLY_TIMEOUT_MS } from "./opcodes.ts";

/** Time on the wire for a key press and its release. */
export const KEY_MS = frameMs(2) + frameMs(1);
/** Time for one query and its reply on the wire, including the wait between them. */
export const ASK_MS = frameMs(1) + frameMs(4) + REPLY_TIMEOUT_MS;

const REFUSED: Issue = { code: "display.refused", message: "the display received the message and refused it (Feature Abort)", hint: "HDMI-CEC may be switched off in its menu" };

/** Questions and orders on a CEC bus, with what came of them. */
export class CecTalk {
  readonly #cec: Cec;
  readonly #clock: Clock;
  readonly #stop: (() => void) | undefined;
  #keyWasRefused = false;

  constructor(cec: Cec, clock: Clock) {
    this.#cec = cec;
    this.#clock = clock;
    // Keys are not waited for one by one, so their refusal comes as a message of its own.
    this.#stop = cec.onMessage?.(({ opcode, operands }) => {
      if (opcode === OPCODE.featureAbort && operands[0] === OPCODE.userControlPressed) this.#keyWasRefused = true;
    });
  }

  close(): void {
    this.#stop?.();
  }

  /** The operands of the answer. `unsupported` if the question is refused. */
  async ask(destination: number, opcode: number, answer: number): Promise<Reading<Uint8Array>> {
    const sent = await this.#cec.send({ destination, opcode, operands: new Uint8Array() }, REPLY_TIMEOUT_MS);
    if (!sent.ok) return failed(sent.error);
    if (!sent.value.acknowledged) return unknown("the display does not acknowledge its address");
    const { reply } = sent.value;
    if (reply === undefined) return unknown("the display did not answer in time");
    if (reply.opcode === OPCODE.featureAbort) return UNSUPPORTED;
    if (reply.opcode !== answer) return unknown("the display answered something else");
    return seen(reply.operands, this.#clock.monotonicMs());
  }

  /** Keys are not waited for one by one: a volume of many steps would take minutes. */
  async tell(destination: number, opcode: number, ...operands: number[]): Promise<Told> {
    const isKey = opcode === OPCODE.userControlPressed || opcode === OPCODE.userControlReleased;
    const refusable = !isKey && destination !== LOGICAL_ADDRESS.broadcast;
    const sent = await this.#cec.send({ destination, opcode, operands: Uint8Array.from(operands) }, refusable ? REPLY_TIMEOUT_MS : 0);
    // After a line error the TV may have received the frame; after any other error nothing was sent.
    if (!sent.ok) return { attempted: sent.error.code === "cec.bus", error: sent.error };
    if (sent.value.reply?.opcode === OPCODE.featureAbort) return { attempted: true, acknowledged: false, error: REFUSED };
    if (sent.value.acknowledged) return { attempted: true, acknowledged: true };
    return { attempted: true, acknowledged: false, error: { code: "display.no-answer", message: "the display did not acknowledge the message" } };
  }

  /** A message for everybody, which nobody acknowledges. */
  async tellAll(opcode: number, ...operands: number[]): Promise<Told> {
    const told = await this.tell(LOGICAL_ADDRESS.broadcast, opcode, ...operands);
    return told.error === undefined ? { attempted: true } : told;
  }

  /** An acknowledged key press takes effect even if its release fails. */
  async press(destination: number, key: number): Promise<Told> {
    this.#keyWasRefused = false;
    const pressed = await this.tell(destination, OPCODE.userControlPressed, key);
    if (pressed.error !== undefined) return pressed;
    const { error } = await this.tell(destination, OPCODE.userControlReleased);
    if (this.#keyWasRefused) return { attempted: true, acknowledged: false, error: REFUSED };
    return error === undefined ? pressed : { ...pressed, error: { ...error, message: `the key was heard, and its release was not: ${error.message}` } };
  }

  /** Presses a key `times` times, stopping at the first failure. */
  async pressOften(destination: number, key: number, times: number): Promise<Told> {
    // With zero presses nothing is sent, so nothing is acknowledged.
    let last: Told = { attempted: true };
    let heard = 0;
    for (let pressed = 0; pressed < times && last.error === undefined; pressed += 1) {
      last = await this.press(destination, key);
      if (last.acknowledged === true) heard += 1;
    }
    if (last.error === undefined) return last;
    const error = { ...last.error, message: `${heard} of ${times} keys were heard: ${last.error.message}` };
    return heard === 0 ? { ...last, error } : { ...last, attempted: true, heardInPart: true, error };
  }
}

/** Decodes the value of a reading; `of` returns `undefined` for a value the protocol does not define. */
export function decoded<T, U>(reading: Reading<T>, of: (value: T) => U | undefined): Reading<U> {
  if (reading.kind !== "ok") return reading;
  const value = of(reading.value);
  return value === undefined ? unknown("the display's answer makes no sense") : seen(value, reading.atMs);
}
