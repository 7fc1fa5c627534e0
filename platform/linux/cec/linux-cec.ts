import type { FileHandle } from "node:fs/promises";
import type { Timers } from "../../ports/clock.ts";
import type { Cec, CecMessage, CecReply, HeardMessage } from "../../ports/cec.ts";
import { fail, ok, type Result } from "../../ports/result.ts";
import { REPLY_TO } from "../../displays/cec/opcodes.ts";
import { Emitter } from "../../runtime/emitter.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { withoutAnswer, type KernelDevice } from "../kernel/kernel-device.ts";
import type { SystemError } from "../kernel/native.ts";
import { CEC_CALL, decodeAddresses, decodeReceived, encodeClaim, encodeTransmit, INITIATOR_AND_FOLLOWER, NO_PHYSICAL_ADDRESS, sequenceOf, UNREGISTERED, type Addresses, type Frame, type ReceivedFrame } from "./cec-abi.ts";
import { answerTo } from "./follower.ts";

/** The kernel gives up a frame after its retries within this time, beside the wait for a reply. */
const SEND_MARGIN_MS = 3_000;
/** The kernel claims an address within about a second of a cable or a configuration coming in. */
const CLAIM_MS = 2_500;
const CLAIM_POLL_MS = 100;
const REPLY_TIMEOUT_MAX_MS = 1_000;
const OPERANDS_MAX = 14;
/** Messages that the kernel sends without a physical address: a display that drops its hot-plug signal can still be woken. */
const SENT_WITHOUT_CABLE: ReadonlySet<number> = new Set([0x04, 0x0d]);

export interface LinuxCecDeps {
  /** The open adapter, such as /dev/cec0. Closed by `close`. */
  readonly adapter: FileHandle;
  readonly device: KernelDevice;
  readonly timers: Timers;
  /** Shown by the TV as the name of its input. */
  readonly osdName: string;
}

/** One HDMI-CEC adapter of the kernel. It keeps a playback device's logical address and answers what others ask of one. */
export class LinuxCec implements Cec {
  readonly #deps: LinuxCecDeps;
  readonly #sending = new OneAtATime();
  readonly #waiting = new Map<number, (result: ReceivedFrame) => void>();
  // A listener that throws is a bug of ours and must be seen, not take the bus with it.
  readonly #heard = new Emitter<HeardMessage>((thrown) => queueMicrotask(() => { throw thrown; }));
  #stopPolling: (() => void) | undefined;
  #gone: SystemError | undefined;

  constructor(deps: LinuxCecDeps) {
    this.#deps = deps;
  }

  /** Claims an address if nobody has, and starts to receive. Errors: those of `Cec`. */
  async start(): Promise<Result<void>> {
    const { device, adapter } = this.#deps;
    const polling = device.poll(adapter.fd, ["readable", "priority"], () => this.#drain());
    if (!polling.ok) {
      this.#gone = polling.error;
      return cecError(polling.error);
    }
    this.#stopPolling = polling.value;
    const mode = Buffer.alloc(4);
    mode.writeUInt32LE(INITIATOR_AND_FOLLOWER);
    const follows = await this.#call(CEC_CALL.setMode, mode);
    if (!follows.ok) return follows;
    const addresses = await this.#addresses();
    if (!addresses.ok || addresses.value.configured) return addresses.ok ? ok(undefined) : addresses;
    return this.#call(CEC_CALL.claim, encodeClaim(this.#deps.osdName));
  }

  send(message: CecMessage, replyTimeoutMs: number): Promise<Result<CecReply>> {
    const bad = problemOf(message, replyTimeoutMs);
    if (bad !== undefined) return Promise.resolve(fail("cec.bad-message", bad));
    return this.#sending.run(() => this.#send(message, Math.min(replyTimeoutMs, REPLY_TIMEOUT_MAX_MS)));
  }

  onMessage(heard: (message: HeardMessage) => void): () => void {
    return this.#heard.on(heard);
  }

  async close(): Promise<void> {
    this.#gone ??= { name: "ECANCELED" };
    this.#stopPolling?.();
    await this.#sending.settled();
    await this.#deps.adapter.close();
  }

  async #send(message: CecMessage, replyTimeoutMs: number): Promise<Result<CecReply>> {
    const initiator = await this.#initiator(message);
    if (!initiator.ok) return initiator;
    const frame: Frame = { ...message, initiator: initiator.value };
    const waitMs = message.opcode === undefined ? 0 : Math.round(replyTimeoutMs);
    // With a reply but no time the kernel would wait for its own default.
    const transmit = encodeTransmit(frame, waitMs === 0 ? 0 : (REPLY_TO.get(message.opcode ?? -1) ?? 0), waitMs);
    const queued = await this.#call(CEC_CALL.transmit, transmit);
    if (!queued.ok) return queued;
    const result = await this.#resultOf(sequenceOf(transmit), replyTimeoutMs + SEND_MARGIN_MS);
    if (result === undefined) return fail("cec.bus", "the HDMI-CEC adapter did not report whether the message was sent");
    if (result.sent === "failed") return fail("cec.bus", "the message was not sent: arbitration was lost, or the line failed");
    if (result.sent === "not-acknowledged") return ok({ acknowledged: false });
    const { opcode, operands } = result.frame;
    return ok({ acknowledged: true, ...(result.replied && opcode !== undefined && { reply: { opcode, operands } }) });
  }

  /** Our logical address, once the kernel has claimed it. */
  async #initiator({ opcode }: CecMessage): Promise<Result<number>> {
    for (let waitedMs = 0; waitedMs <= CLAIM_MS; waitedMs += CLAIM_POLL_MS) {
      const addresses = await this.#addresses();
      if (!addresses.ok) return addresses;
      if (addresses.value.logical !== undefined) return ok(addresses.value.logical);
      const physical = Buffer.alloc(2);
      const asked = await this.#call(CEC_CALL.physicalAddress, physical);
      if (!asked.ok) return asked;
      if (physical.readUInt16LE() === NO_PHYSICAL_ADDRESS) {
        return SENT_WITHOUT_CABLE.has(opcode ?? -1) ? ok(UNREGISTERED) : fail("cec.unplugged", "there is no display on the cable", "check the HDMI cable");
      }
      await new Promise<void>((resolve) => void this.#deps.timers.after("cec.claim", CLAIM_POLL_MS, resolve));
    }
    return fail("cec.bus", "the HDMI-CEC adapter has claimed no logical address", "is another program using it?");
  }

  async #addresses(): Promise<Result<Addresses>> {
    const bytes = Buffer.alloc(92);
    const read = await this.#call(CEC_CALL.logicalAddresses, bytes);
    return read.ok ? ok(decodeAddresses(bytes)) : read;
  }

  #resultOf(sequence: number, withinMs: number): Promise<ReceivedFrame | undefined> {
    return new Promise((resolve) => {
      const timer = this.#deps.timers.after("cec.result", withinMs, () => {
        this.#waiting.delete(sequence);
        resolve(undefined);
      });
      this.#waiting.set(sequence, (result) => {
        timer.cancel();
        this.#waiting.delete(sequence);
        resolve(result);
      });
    });
  }

  /** Takes everything that the adapter has. The descriptor does not block, so these calls return at once. */
  #drain(): void {
    const { device, adapter } = this.#deps;
    for (const request of [CEC_CALL.event, CEC_CALL.receive]) {
      for (;;) {
        const bytes = Buffer.alloc(request === CEC_CALL.event ? 80 : 56);
        const taken = device.ioctlNow(adapter.fd, request, bytes);
        if (!taken.ok) {
          if (taken.error.name !== "EAGAIN") return this.#lost(taken.error);
          break;
        }
        // An event says only that addresses changed; they are read again when they are needed.
        if (request === CEC_CALL.receive) this.#received(decodeReceived(bytes));
      }
    }
  }

  #received(received: ReceivedFrame): void {
    const { sequence, frame } = received;
    if (sequence !== 0) return this.#waiting.get(sequence)?.(received);
    const { initiator, destination, opcode, operands } = frame;
    if (opcode === undefined) return;
    const answer = answerTo(frame);
    if (answer !== undefined) void this.send({ destination: initiator, ...answer }, 0);
    this.#heard.emit({ source: initiator, destination, opcode, operands });
  }

  /** The adapter is gone, such as an unplugged USB adapter. Polling it further would never end. */
  #lost(error: SystemError): void {
    this.#gone ??= error;
    this.#stopPolling?.();
    for (const settle of [...this.#waiting.values()]) settle({ sequence: 0, frame: { initiator: UNREGISTERED, destination: UNREGISTERED, operands: new Uint8Array() }, sent: "failed", replied: false });
  }

  async #call(request: number, argument: Buffer): Promise<Result<void>> {
    if (this.#gone !== undefined) return cecError(this.#gone);
    const called = await this.#deps.device.ioctl(this.#deps.adapter.fd, request, argument);
    return called.ok ? ok(undefined) : cecError(called.error);
  }
}

function problemOf({ destination, opcode, operands }: CecMessage, replyTimeoutMs: number): string | undefined {
  if (!Number.isInteger(destination) || destination < 0 || destination > 15) return "the destination is a logical address from 0 to 15";
  if (opcode !== undefined && !(Number.isInteger(opcode) && opcode >= 0 && opcode <= 255)) return "the opcode is a byte";
  if (operands.length > OPERANDS_MAX) return `a message has at most ${OPERANDS_MAX} operands`;
  return replyTimeoutMs >= 0 ? undefined : "the time to wait for a reply is not negative";
}

function cecError(error: SystemError): Result<never> {
  const silence = withoutAnswer(error);
  if (silence !== undefined) return fail("cec.bus", `the driver of the HDMI-CEC adapter ${silence}`);
  switch (error.name) {
    case "ENONET":
      return fail("cec.unplugged", "there is no display on the cable", "check the HDMI cable");
    case "EACCES":
    case "EPERM":
      return fail("cec.no-access", "the kernel refuses access to the HDMI-CEC adapter", "add the agent's user to the group video");
    case "EBUSY":
      return fail("cec.bus", "another program has the HDMI-CEC adapter to itself, or its queue is full");
    case "ENODEV":
    case "ECANCELED":
      return fail("cec.bus", "the HDMI-CEC adapter is gone");
    default:
      return fail("cec.bus", `the HDMI-CEC adapter answered ${error.name}`);
  }
}
