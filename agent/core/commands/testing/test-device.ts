import type { CommandName } from "../../../protocol/commands/catalog.ts";
import type { DeviceMessage } from "../../../protocol/device-messages.ts";
import type { CommandOutcome, Stream } from "../../../protocol/records.ts";
import type { Signed } from "../../../protocol/signed.ts";
import { nodeCrypto } from "../../../../platform/linux/node-crypto.ts";
import type { Clock, Timers } from "../../../../platform/ports/clock.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { seen } from "../../../../platform/ports/reading.ts";
import { err, fail, ok, type Result } from "../../../../platform/ports/result.ts";
import type { JsonObject } from "../../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import type { StreamRange } from "../../outbox/backlog.ts";
import type { EventSink, NewRecord } from "../../outbox/event-sink.ts";
import type { StorageIssue } from "../../storage/document-store.ts";
import { valuesOf } from "../../storage/testing/values-of.ts";
import { CommandService } from "../command-service.ts";
import type { ExecutorTable } from "../executor.ts";
import type { JournalEntry } from "../journal-entry.ts";
import type { JournalStore, RetentionLimits } from "../journal-store.ts";
import { MemoryJournalStore } from "../memory-journal-store.ts";

export const DEVICE_ID = "0123456789abcdef0123456789abcdef";
export const OWNER = "fedcba9876543210fedcba9876543210";
/** 2026-01-01T00:00:00Z, where virtual time begins. */
export const START_MS = Date.UTC(2026, 0, 1);

/** A promise that a dead process waits for. */
const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** One life of the agent process on a `TestDevice`. After its death nothing it does has any effect. */
export class TestProcess {
  alive = true;
  readonly device: TestDevice;
  readonly stopping = new AbortController();
  readonly clock: Clock;
  readonly timers: Timers;
  service!: CommandService;
  done: Promise<void> = Promise.resolve();

  constructor(device: TestDevice) {
    this.device = device;
    // As `performance.now` does it: every process counts from its own start.
    const startedMs = device.time.monotonicMs();
    this.clock = { wallMs: () => device.time.wallMs(), monotonicMs: () => device.time.monotonicMs() - startedMs };
    this.timers = {
      after: (name, delayMs, fire) => device.time.after(name, delayMs, () => (this.alive ? fire() : undefined)),
      pending: () => device.time.pending(),
    };
  }

  /** Lets a living process do something to the world; a dead one waits for ever. */
  act<T>(effect: () => T | Promise<T>): Promise<T> {
    return this.alive ? Promise.resolve(effect()) : never<T>();
  }
}

/**
 * Everything of a device that outlives its agent process: disk, outbox, hardware, time. The process can be killed
 * after any durable write.
 */
export class TestDevice {
  readonly time = new VirtualTime({ wallMs: START_MS });
  readonly #journal = new MemoryJournalStore();
  /** What is on the disk, whether or not it takes writes at the moment. */
  readonly disk = valuesOf<JournalStore>(this.#journal);
  readonly sent: DeviceMessage[] = [];
  /** Outcome records as the cloud would have them: one per dedupe key. */
  readonly outbox = new Map<string, { readonly seq: number; readonly outcome: CommandOutcome }>();
  storedUpTo = 0;
  bootNumber = 1;
  bootedMs = this.time.monotonicMs() - 60_000;
  serverKnown = true;
  /** Durable writes since the device was made, in all processes. */
  writes = 0;
  /** Kills the process: after so many writes, then after so many more, … */
  crashPlan: readonly number[] = [];
  /** How often it died of the plan. */
  crashes = 0;
  /** What the disk says to the next journal writes. */
  diskError: StorageIssue | undefined;
  /** What the disk says to the next journal reads. */
  readError: StorageIssue | undefined;
  sinkError: Result<never> | undefined;
  verifyError: Result<never> | undefined;
  process: TestProcess | undefined;
  readonly #executors: (process: TestProcess) => ExecutorTable;
  #number = 0;
  #writesSinceCrash = 0;

  constructor(executors: (process: TestProcess) => ExecutorTable) {
    this.#executors = executors;
  }

  get bootId(): string {
    return `boot-${this.bootNumber}`;
  }

  get outcomes(): CommandOutcome[] {
    return [...this.outbox.values()].map(({ outcome }) => outcome);
  }

  outcomeOf(id: string, attempt = 1): CommandOutcome | undefined {
    return this.outbox.get(`outcome:${id}:${attempt}`)?.outcome;
  }

  /** Starts the agent. */
  async start(): Promise<TestProcess> {
    const process = new TestProcess(this);
    this.process = process;
    process.service = new CommandService({
      deviceId: DEVICE_ID,
      store: this.#storeOf(process),
      executors: this.#executors(process),
      verify: (signed) =>
        Promise.resolve(
          this.verifyError ??
            (signed.signature === "good" ? ok(signed.payload) : fail("signature.invalid", "the signature is not the owner's")),
        ),
      send: (message) => {
        if (process.alive) this.sent.push(structuredClone(message));
        return process.alive;
      },
      sink: this.#sinkOf(process),
      backlog: { log: "log-1", ranges: () => this.#ranges() },
      clock: process.clock,
      timers: process.timers,
      random: new SeededRandom("commands"),
      crypto: nodeCrypto,
      log: silentLog,
      machine: {
        bootId: () => process.act(() => this.bootId),
        uptimeMs: () => process.act(() => seen(this.time.monotonicMs() - this.bootedMs, 0)),
      },
      serverNowMs: () => (this.serverKnown ? START_MS + this.time.monotonicMs() : undefined),
    });
    process.done = process.service.run(process.stopping.signal);
    process.done.catch(() => {
      // Looked at by whoever awaits `done`; a dead process's end is nobody's business.
    });
    await this.time.advance(0);
    return process;
  }

  /** Moves time on by steps, and before each lets `heal` start what has died. */
  async passHealed(forMs: number, stepMs: number, heal: () => Promise<void>): Promise<void> {
    const endMs = this.time.monotonicMs() + forMs;
    for (;;) {
      await heal();
      const leftMs = endMs - this.time.monotonicMs();
      if (leftMs <= 0) return;
      await this.time.advance(Math.min(leftMs, stepMs));
    }
  }

  /** SIGKILL. */
  kill(): void {
    if (this.process !== undefined) this.process.alive = false;
    this.process = undefined;
  }

  /** SIGTERM, and the end. */
  async stop(): Promise<void> {
    const { process } = this;
    if (process === undefined) return;
    process.stopping.abort();
    const end = { reached: false };
    void process.done.then(() => (end.reached = true));
    // It may also be killed while it stops.
    for (let i = 0; process.alive && !end.reached; i += 1) {
      if (i > 100) throw new Error("the process did not stop within 10 s");
      await this.time.advance(100);
    }
    if (this.process === process) this.kill();
  }

  /** The machine goes down with whatever runs on it and comes up again. */
  bootAnew(): void {
    this.kill();
    this.bootNumber += 1;
    this.bootedMs = this.time.monotonicMs();
  }

  /** A signed command with sensible defaults. */
  signedCommand(
    fields: {
      readonly id?: string;
      readonly attempt?: number;
      readonly name?: CommandName | (string & {});
      readonly params?: JsonObject;
      readonly number?: number;
      readonly notAfterMs?: number;
      readonly ttlMs?: number;
      readonly device?: string;
    } = {},
  ): Signed {
    this.#number += 1;
    const payload = {
      device: DEVICE_ID,
      id: `c${this.#number}`,
      attempt: 1,
      number: this.#number,
      name: "gpio.read",
      params: { line: "GPIO17" },
      issuedMs: START_MS,
      notAfterMs: START_MS + 30 * 86_400_000,
      ...fields,
    };
    return sign(payload);
  }

  signedCancel(id: string, attempt = 1, number?: number): Signed {
    this.#number += 1;
    return sign({ device: DEVICE_ID, id, attempt, number: number ?? this.#number, issuedMs: START_MS });
  }

  /** The link gives a command to the service. */
  deliver(signed: Signed): void {
    this.process?.service.command(signed);
  }

  /** What was sent of one type. */
  sentOf<T extends DeviceMessage["t"]>(t: T): Extract<DeviceMessage, { t: T }>[] {
    return this.sent.filter((message): message is Extract<DeviceMessage, { t: T }> => message.t === t);
  }

  acksOf(id: string): string[] {
    return this.sentOf("command-ack")
      .filter((ack) => ack.id === id)
      .map((ack) => ack.state);
  }

  errorCodes(): string[] {
    return this.sentOf("error").map((error) => error.code);
  }

  #storeOf(process: TestProcess): JournalStore {
    type Answer<T> = Promise<Result<T, StorageIssue>>;
    const write = async <T>(effect: () => Answer<T>): Answer<T> => {
      if (!process.alive) return never();
      if (this.diskError !== undefined) return err(this.diskError);
      const answer = await effect();
      return this.#wrote(process) ? answer : never();
    };
    const read = async <T>(effect: () => Answer<T>): Answer<T> => {
      if (!process.alive) return never();
      return this.readError === undefined ? effect() : err(this.readError);
    };
    return {
      get: (id, attempt) => read(() => this.#journal.get(id, attempt)),
      numberHolder: (owner, number) => read(() => this.#journal.numberHolder(owner, number)),
      floor: (owner) => read(() => this.#journal.floor(owner)),
      unfinished: () => read(() => this.#journal.unfinished()),
      recent: (countMax) => read(() => this.#journal.recent(countMax)),
      put: (entry: JournalEntry) => write(() => this.#journal.put(entry)),
      prune: (limits: RetentionLimits) => read(() => this.#journal.prune(limits)),
    };
  }

  #sinkOf(process: TestProcess): EventSink {
    return {
      append: (record: NewRecord) => {
        if (!process.alive) return never();
        if (this.sinkError !== undefined) return Promise.resolve(this.sinkError);
        const key = record.dedupeKey ?? `unnamed-${this.outbox.size}`;
        const seq = this.outbox.get(key)?.seq ?? this.outbox.size + 1;
        if (!this.outbox.has(key))
          this.outbox.set(key, { seq, outcome: structuredClone(record.body) as unknown as CommandOutcome });
        return this.#wrote(process) ? Promise.resolve(ok({ seq })) : never();
      },
    };
  }

  #ranges(): Readonly<Record<Stream, StreamRange>> {
    const none = { stored: 0, oldest: 1, newest: 0 };
    const outcome = { stored: this.storedUpTo, oldest: this.storedUpTo + 1, newest: this.outbox.size };
    return { outcome, alarm: none, play: none, event: none, metric: none };
  }

  /** Counts a durable write. False: the process died right after it. */
  #wrote(process: TestProcess): boolean {
    this.writes += 1;
    this.#writesSinceCrash += 1;
    if (this.#writesSinceCrash === this.crashPlan[this.crashes]) {
      this.crashes += 1;
      this.#writesSinceCrash = 0;
      process.alive = false;
      if (this.process === process) this.process = undefined;
    }
    return process.alive;
  }
}

function sign(payload: JsonObject): Signed {
  return { payload: JSON.stringify(payload), key: OWNER, signature: "good" };
}
