import type { Timers } from "../../../ports/clock.ts";
import type { Ddc } from "../../../ports/ddc.ts";
import { fail, ok, type Result } from "../../../ports/result.ts";

export type MonitorMood = "normal" | "slow" | "deaf" | "lying" | "unplugged" | "garbage" | "null" | "late" | "hanging";

interface Feature {
  value: number;
  readonly max: number;
}

const SLOW_MS = 850;
const NULL: readonly number[] = [0x6e, 0x80, 0xbe];
const CAPABILITIES_PART = 32;

/**
 * Takes the place of a monitor on its I2C wires: receives and sends the bytes of DDC/CI, written from the standard and not with our
 * codec. Forgets an answer that nobody fetches, as real ones do.
 */
export class MonitorStandIn implements Ddc {
  mood: MonitorMood = "normal";
  capabilities = "(prot(monitor)type(LCD)model(P2419H)cmds(01 02 03 07 0C E3 F3)vcp(02 04 10 12 60(01 0F 11) 62 8D(01 02) D6(01 04 05))mccs_ver(2.1))";
  readonly features = new Map<number, Feature>([
    [0x10, { value: 75, max: 100 }],
    [0x60, { value: 0x11, max: 0 }],
    [0x62, { value: 30, max: 100 }],
    [0x8d, { value: 2, max: 2 }],
    [0xd6, { value: 1, max: 5 }],
  ]);
  /** Every message that was written, whole. */
  readonly heard: number[][] = [];
  readonly #timers: Timers;
  #answer = NULL;
  /** What a late one sends instead: the answer to the question before. */
  #previous = NULL;
  /** A slow one has no answer for a while after an order. */
  #busyReads = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  write(address: number, bytes: Uint8Array): Promise<Result<void>> {
    const problem = this.#problem(address);
    if (problem !== undefined) return problem;
    const message = [...bytes];
    this.heard.push(message);
    // A message whose sum is wrong is not for us: it is acknowledged by the receiver and ignored.
    if (message.reduce((sum, byte) => sum ^ byte, 0x6e) !== 0 || message[0] !== 0x51 || (message[1] ?? 0) !== (0x80 | (message.length - 3))) return Promise.resolve(ok(undefined));
    const [opcode = 0, ...operands] = message.slice(2, -1);
    if (opcode === 0x01) this.#say(this.#featureReply(operands[0] ?? 0));
    if (opcode === 0x03) this.#change(operands[0] ?? 0, ((operands[1] ?? 0) << 8) | (operands[2] ?? 0));
    if (opcode === 0xf3) {
      const offset = ((operands[0] ?? 0) << 8) | (operands[1] ?? 0);
      const part = this.capabilities.slice(offset, offset + CAPABILITIES_PART);
      this.#say([0xe3, offset >> 8, offset & 0xff, ...[...part].map((letter) => letter.charCodeAt(0))]);
    }
    return Promise.resolve(ok(undefined));
  }

  read(address: number, length: number): Promise<Result<Uint8Array>> {
    const problem = this.#problem(address);
    if (problem !== undefined) return problem;
    const bytes = this.#nextRead();
    return Promise.resolve(ok(Uint8Array.from({ length }, (_, at) => bytes[at] ?? 0xff)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #problem(address: number): Promise<Result<never>> | undefined {
    if (this.mood === "unplugged") return Promise.resolve(fail("display.unplugged", "nothing is on the cable"));
    if (this.mood === "hanging") return Promise.resolve(fail("ddc.bus", "the bus hangs"));
    if (this.mood === "deaf" || address !== 0x37) return Promise.resolve(fail("ddc.no-answer", "not acknowledged"));
    return undefined;
  }

  #nextRead(): readonly number[] {
    if (this.mood === "garbage") return [0x6e, 0x88, 0x02, 0x00, 0x10, 0x00, 0x00, 0x64, 0x00, 0x32, 0x00];
    if (this.mood === "null") return NULL;
    if (this.#busyReads > 0) {
      this.#busyReads -= 1;
      return NULL;
    }
    const answer = this.#answer;
    this.#answer = NULL;
    return answer;
  }

  #say(payload: readonly number[]): void {
    const bytes = [0x6e, 0x80 | payload.length, ...payload];
    const answer = [...bytes, bytes.reduce((sum, byte) => sum ^ byte, 0x50)];
    this.#answer = this.mood === "late" ? this.#previous : answer;
    this.#previous = answer;
  }

  #featureReply(code: number): readonly number[] {
    const feature = this.features.get(code);
    if (feature === undefined) return [0x02, 0x01, code, 0, 0, 0, 0, 0];
    return [0x02, 0x00, code, 0x00, feature.max >> 8, feature.max & 0xff, feature.value >> 8, feature.value & 0xff];
  }

  #change(code: number, value: number): void {
    const feature = this.features.get(code);
    if (feature === undefined || this.mood === "lying") return;
    const take = (): void => void (feature.value = value);
    if (this.mood !== "slow") return take();
    this.#busyReads = 2;
    this.#timers.after("monitor.slow", SLOW_MS, take);
  }
}
