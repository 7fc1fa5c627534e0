import type { FileHandle } from "node:fs/promises";
import type { Timer, Timers } from "../../ports/clock.ts";
import type { Cec, CecMessage, CecReply, HeardMessage } from "../../ports/cec.ts";
import { fail, ok, type Issue, type Result } from "../../ports/result.ts";
import { OPCODE, REPLY_TO } from "../../displays/cec/opcodes.ts";
import { Emitter } from "../../runtime/emitter.ts";
import { OneAtATime } from "../../runtime/one-at-a-time.ts";
import { TimeoutError, withDeadline } from "../../runtime/sleep.ts";
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

/** While an adapter is gone it is looked for at this interval. */
export const LOOK_EVERY_MS = 5_000;
/** Longest wait for the driver when the adapter is closed. */
const CLOSE_MS = 2_000;

export interface LinuxCecDeps {
  /** The open adapter, such as /dev/cec0. Closed by `close`. */
  readonly adapter: FileHandle;
  /** Opens the adapter again after it was gone; its number may be another one then. */
  readonly reopen: () => Promise<Result<FileHandle, SystemError>>;
  readonly device: KernelDevice;
  readonly timers: Timers;
  /** Shown by the TV as the name of its input. */
  readonly osdName: string;
}

/** The adapter, or why there is none at present. */
type AdapterState =
  | { readonly kind: "open"; readonly adapter: FileHandle; readonly stopPolling: () => void }
  | { readonly kind: "gone"; readonly why: SystemError }
  | { readonly kind: "closed" };

/**
 * One HDMI-CEC adapter of the kernel. It keeps a playback device's logical address and answers what others ask of one. An
 * adapter that goes away, such as an unplugged USB adapter or a driver that is bound again, is looked for until it is back.
 */
export class LinuxCec implements Cec {
  readonly #deps: LinuxCecDeps;
  readonly #sending = new OneAtATime();
  readonly #waiting = new Map<number, (result: ReceivedFrame) => void>();
  // A listener that throws is a bug of ours and must be seen, not take the bus with it.
  readonly #heard = new Emitter<HeardMessage>((thrown) => queueMicrotask(() => { throw thrown; }));
  #state: AdapterState = { kind: "gone", why: { name: "ENODEV" } };
  /** Why the bus cannot be used at present. */
  #issue: Issue | undefined;
  #looking: Timer | undefined;
  /** We were the last to say that we are the active source. */
  #isShown = false;

  constructor(deps: LinuxCecDeps) {
    this.#deps = deps;
  }

  /** Why the bus cannot be used at present: its adapter is gone, or did not start yet. Codes: those of `Cec`. */
  get issue(): Issue | undefined {
    return this.#issue;
  }

  /** Claims an address if nobody has, and starts to receive; what fails is tried again. Errors: those of `Cec`. */
  start(): Promise<Result<void>> {
    return this.#start(this.#deps.adapter);
  }

  async #start(adapter: FileHandle): Promise<Result<void>> {
    const { device } = this.#deps;
    const polling = device.poll(adapter.fd, ["readable", "priority"], () => this.#drain());
    if (!polling.ok) {
      await this.#closed(adapter);
      this.#lost(polling.error);
      return cecError(polling.error);
    }
    this.#state = { kind: "open", adapter, stopPolling: polling.value };
    return this.#join();
  }

  /** Listens and claims an address. Tried again while it fails, as when another program has the adapter to itself. */
  async #join(): Promise<Result<void>> {
    const state = this.#state;
    const joined = await this.#listenAndClaim();
    if (this.#state !== state || state.kind !== "open") return joined;
    this.#issue = joined.ok ? undefined : joined.error;
    if (!joined.ok) {
      this.#looking?.cancel();
      this.#looking = this.#deps.timers.after("cec.join", LOOK_EVERY_MS, () => void this.#join());
    }
    return joined;
  }

  async #listenAndClaim(): Promise<Result<void>> {
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

  async physicalAddress(): Promise<Result<number>> {
    const bytes = Buffer.alloc(2);
    const asked = await this.#call(CEC_CALL.physicalAddress, bytes);
    if (!asked.ok) return asked;
    const address = bytes.readUInt16LE();
    return address === NO_PHYSICAL_ADDRESS ? unplugged() : ok(address);
  }

  async close(): Promise<void> {
    const before = this.#state;
    this.#state = { kind: "closed" };
    this.#looking?.cancel();
    if (before.kind === "open") before.stopPolling();
    this.#failWaiting();
    await this.#sending.settled();
    if (before.kind === "open") await this.#closed(before.adapter);
  }

  /** A driver that hangs must not keep us waiting. */
  async #closed(adapter: FileHandle): Promise<void> {
    try {
      await withDeadline(this.#deps.timers, "cec.close", CLOSE_MS, adapter.close());
    } catch (thrown) {
      // EBADF and the like: the descriptor is gone either way.
      if (!(thrown instanceof TimeoutError) && (thrown as NodeJS.ErrnoException).code === undefined) throw thrown;
    }
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
    if (message.opcode === OPCODE.activeSource) this.#isShown = await this.#isOurs(message.operands);
    const { opcode, operands } = result.frame;
    return ok({ acknowledged: true, ...(result.replied && opcode !== undefined && { reply: { opcode, operands } }) });
  }

  /** Our logical address, once the kernel has claimed it. */
  async #initiator({ opcode }: CecMessage): Promise<Result<number>> {
    for (let waitedMs = 0; waitedMs <= CLAIM_MS; waitedMs += CLAIM_POLL_MS) {
      const addresses = await this.#addresses();
      if (!addresses.ok) return addresses;
      if (addresses.value.logical !== undefined) return ok(addresses.value.logical);
      const physical = await this.physicalAddress();
      if (!physical.ok) {
        const isSent = physical.error.code === "cec.unplugged" && SENT_WITHOUT_CABLE.has(opcode ?? -1);
        return isSent ? ok(UNREGISTERED) : physical;
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
    const { device } = this.#deps;
    if (this.#state.kind !== "open") return;
    const { adapter } = this.#state;
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
    void this.#choice(opcode, operands);
    this.#heard.emit({ source: initiator, destination, opcode, operands });
  }

  /** A source is chosen. If it is us, we say so, as the standard asks of the active source (CEC 13.2); else we no longer are it. */
  async #choice(opcode: number, operands: Uint8Array): Promise<void> {
    switch (opcode) {
      case OPCODE.activeSource:
      case OPCODE.routingChange:
        this.#isShown = false;
        return;
      case OPCODE.setStreamPath:
        this.#isShown = await this.#isOurs(operands);
        break;
      case OPCODE.requestActiveSource:
        break;
      default:
        return;
    }
    const own = this.#isShown ? await this.physicalAddress() : undefined;
    if (own?.ok === true) void this.send({ destination: 15, opcode: OPCODE.activeSource, operands: Uint8Array.of(own.value >> 8, own.value & 0xff) }, 0);
  }

  async #isOurs([high = 0xff, low = 0xff]: Uint8Array): Promise<boolean> {
    const own = await this.physicalAddress();
    return own.ok && own.value === ((high << 8) | low);
  }

  /** The adapter is gone. Polling it further would never end, and while we hold it the kernel gives its number to no other. */
  #lost(why: SystemError): void {
    const before = this.#state;
    if (before.kind === "closed") return;
    this.#state = { kind: "gone", why };
    this.#issue = cecError(why).error;
    if (before.kind === "open") {
      before.stopPolling();
      void this.#closed(before.adapter);
    }
    this.#failWaiting();
    this.#looking?.cancel();
    this.#looking = this.#deps.timers.after("cec.look", LOOK_EVERY_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const opened = await this.#deps.reopen();
    if (this.#state.kind !== "gone") {
      if (opened.ok) await this.#closed(opened.value);
      return;
    }
    if (opened.ok) await this.#start(opened.value);
    else this.#lost(opened.error);
  }

  #failWaiting(): void {
    for (const settle of [...this.#waiting.values()]) settle({ sequence: 0, frame: { initiator: UNREGISTERED, destination: UNREGISTERED, operands: new Uint8Array() }, sent: "failed", replied: false });
  }

  async #call(request: number, argument: Buffer): Promise<Result<void>> {
    const state = this.#state;
    if (state.kind !== "open") return cecError(state.kind === "gone" ? state.why : { name: "ECANCELED" });
    const called = await this.#deps.device.ioctl(state.adapter.fd, request, argument);
    if (called.ok) return ok(undefined);
    if (called.error.name === "ENODEV" && this.#state === state) this.#lost(called.error);
    return cecError(called.error);
  }
}

type Failure = ReturnType<typeof fail>;

function unplugged(): Failure {
  return fail("cec.unplugged", "there is no display on the cable", "check the HDMI cable");
}

function problemOf({ destination, opcode, operands }: CecMessage, replyTimeoutMs: number): string | undefined {
  if (!Number.isInteger(destination) || destination < 0 || destination > 15) return "the destination is a logical address from 0 to 15";
  if (opcode !== undefined && !(Number.isInteger(opcode) && opcode >= 0 && opcode <= 255)) return "the opcode is a byte";
  if (operands.length > OPERANDS_MAX) return `a message has at most ${OPERANDS_MAX} operands`;
  return replyTimeoutMs >= 0 ? undefined : "the time to wait for a reply is not negative";
}

function cecError(error: SystemError): Failure {
  const silence = withoutAnswer(error);
  if (silence !== undefined) return fail("cec.bus", `the driver of the HDMI-CEC adapter ${silence}`);
  switch (error.name) {
    case "ENONET":
      return unplugged();
    case "EACCES":
    case "EPERM":
      return fail("cec.no-access", "the kernel refuses access to the HDMI-CEC adapter", "add the agent's user to the group video");
    case "EBUSY":
      return fail("cec.bus", "another program has the HDMI-CEC adapter to itself, or its queue is full");
    case "ENODEV":
    case "ENOENT":
    case "ENXIO":
      return fail("cec.bus", "the HDMI-CEC adapter is gone", "it is used again as soon as it is back");
    case "ECANCELED":
      return fail("cec.bus", "the HDMI-CEC adapter is being closed");
    default:
      return fail("cec.bus", `the HDMI-CEC adapter answered ${error.name}`);
  }
}
