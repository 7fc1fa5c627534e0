import type { Cec, CecMessage, CecReply, HeardMessage } from "../ports/cec.ts";
import type { Timers } from "../ports/clock.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { frameMs, LOGICAL_ADDRESS, REPLY_TIMEOUT_MS, REPLY_TO } from "../displays/cec/opcodes.ts";
import { OneAtATime } from "../runtime/one-at-a-time.ts";
import { Emitter } from "../runtime/emitter.ts";
import { knownToTv, OWN_ADDRESS, OWN_INPUT, TV_INPUTS, tvReceives } from "./simulated-tv.ts";
import type { SimulatedWorld } from "./world.ts";

/** Response time of a slow TV: late, but within the CEC limit of one second. */
export const SLOW_LATENCY_MS = 850;
/** From the acknowledgement of an order to its Feature Abort, as seen on the kernel's emulated TV. */
export const REFUSAL_MS = 20;

/** The bus between our HDMI output and the simulated TV, with the wire's own timing. */
export class SimulatedCec implements Cec {
  readonly #world: SimulatedWorld;
  readonly #timers: Timers;
  readonly #bus = new OneAtATime();
  readonly #heard = new Emitter<HeardMessage>((thrown) => { throw thrown; });
  readonly #leaveWorld: () => void;

  constructor(world: SimulatedWorld, timers: Timers) {
    this.#world = world;
    this.#timers = timers;
    this.#leaveWorld = world.onCec((message) => {
      if (message.destination === OWN_ADDRESS || message.destination === LOGICAL_ADDRESS.broadcast) this.#heard.emit(message);
    });
  }

  send(message: CecMessage, replyTimeoutMs: number): Promise<Result<CecReply>> {
    const problem = problemOf(message, replyTimeoutMs);
    if (problem !== undefined) return Promise.resolve(fail("cec.bad-message", problem));
    return this.#bus.run(() => this.#transmit(message, Math.min(replyTimeoutMs, REPLY_TIMEOUT_MS)));
  }

  physicalAddress(): Promise<Result<number>> {
    return Promise.resolve(this.#unplugged() ? noAddress() : ok(TV_INPUTS.get(OWN_INPUT) ?? 0));
  }

  onMessage(heard: (message: HeardMessage) => void): () => void {
    return this.#heard.on(heard);
  }

  close(): void {
    this.#leaveWorld();
  }

  async #transmit(message: CecMessage, replyTimeoutMs: number): Promise<Result<CecReply>> {
    if (this.#unplugged()) return noAddress();
    await this.#pass("simulated.cec.frame", frameMs(message.opcode === undefined ? 0 : 1 + message.operands.length));
    if (this.#unplugged()) return noAddress();
    const broadcast = message.destination === LOGICAL_ADDRESS.broadcast;
    const heard = this.#world.state.display.mood !== "deaf" && (broadcast || message.destination === LOGICAL_ADDRESS.tv);
    // No device rejects a broadcast, so one that no device receives also looks acknowledged. This is how CEC works.
    if (!heard) return ok({ acknowledged: broadcast });
    if (message.opcode === undefined) return ok({ acknowledged: true });
    const answer = this.#deliver(message.opcode, message.operands, broadcast);
    const { mood } = this.#world.state.display;
    const hasAnswer = REPLY_TO.has(message.opcode) || (!broadcast && (!knownToTv(message.opcode) || mood === "refusing"));
    const reply = hasAnswer && replyTimeoutMs > 0 ? await this.#inTime(answer, replyTimeoutMs) : undefined;
    if (reply !== undefined) return ok({ acknowledged: true, reply });
    // An answer that nobody waits for any more is a message like any other.
    void answer.then((late) => {
      if (late !== undefined) this.#world.sayOnCec({ source: LOGICAL_ADDRESS.tv, destination: OWN_ADDRESS, ...late });
    });
    return ok({ acknowledged: true });
  }

  /** The TV acts on the message after its latency, whether or not a caller still waits. */
  #deliver(opcode: number, operands: Uint8Array, isForAll: boolean): Promise<CecReply["reply"]> {
    const copy = operands.slice();
    const isOrder = !REPLY_TO.has(opcode);
    const latencyMs = isOrder && this.#world.state.display.mood === "refusing" ? REFUSAL_MS : tvLatencyMs(this.#world);
    return new Promise((resolve) => {
      this.#timers.after("simulated.tv.answer", latencyMs, () => {
        resolve(this.#unplugged() ? undefined : tvReceives(this.#world, opcode, copy, isForAll));
      });
    });
  }

  #inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = this.#timers.after("simulated.cec.reply", timeoutMs, () => resolve(undefined));
      void work.then((value) => {
        timer.cancel();
        resolve(value);
      });
    });
  }

  #unplugged(): boolean {
    return this.#world.state.display.mood === "unplugged";
  }

  #pass(name: string, delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#timers.after(name, delayMs, resolve));
  }
}

export function tvLatencyMs(world: SimulatedWorld): number {
  const { mood, latencyMs } = world.state.display;
  return mood === "slow" ? Math.max(latencyMs, SLOW_LATENCY_MS) : latencyMs;
}

function noAddress(): Result<never> {
  return fail("cec.unplugged", "no display on the cable, so no physical address", "check the HDMI cable");
}

function problemOf({ destination, opcode, operands }: CecMessage, replyTimeoutMs: number): string | undefined {
  if (!Number.isInteger(destination) || destination < 0 || destination > 15) return "the destination is not a logical address from 0 to 15";
  if (opcode !== undefined && (!Number.isInteger(opcode) || opcode < 0 || opcode > OPCODE_MAX)) return "the opcode is not a byte";
  if (operands.length > OPERANDS_MAX) return `at most ${OPERANDS_MAX} operands fit in a message`;
  if (opcode === undefined && operands.length > 0) return "a polling message has no operands";
  if (!(replyTimeoutMs >= 0)) return "the reply time-out is not a number of milliseconds";
  return undefined;
}

const OPCODE_MAX = 0xff;
const OPERANDS_MAX = 14;
