import type { CommandDefinition } from "../../protocol/commands/definition.ts";
import type { DeviceMessage } from "../../protocol/device-messages.ts";
import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { StorageIssue } from "../storage/document-store.ts";
import { askWhatBecame, CommandStopped, execute, IntentRefused } from "./command-execution.ts";
import { elapsedSince, expiredByAge, expiryOf } from "./command-expiry.ts";
import {
  journalStateOf,
  step,
  type Command,
  type CommandEffect,
  type CommandEvent,
  type CommandState,
  type Step,
} from "./command-state.ts";
import type { CommandExecutor, ExecutionContext } from "./executor.ts";
import { keyText, withCancel, type JournalEntry, type Moment } from "./journal-entry.ts";
import type { JournalStore } from "./journal-store.ts";

/** Grace period for an aborted executor, after which the lane moves on without it. */
export const GRACE_MS = 5_000;

/** Longest time between two expiry checks of a waiting command: the expiry may lie beyond the range of a timer. */
const EXPIRY_LOOK_MS = 3_600_000;

/** Retries of a failed journal write. The first come soon, because a full disk often recovers quickly. */
const DISK_RETRY: RetryPolicy = { firstMs: 1_000, factor: 2, capMs: 60_000, floorMs: 200 };

export interface CommandRunDeps {
  readonly store: Pick<JournalStore, "put">;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  now(): Moment;
  send(message: DeviceMessage): boolean;
  /** Called when the final entry is on disk. */
  handOver(entry: JournalEntry): void;
  /** Called with an unexpected exception. */
  onBug(thrown: unknown): void;
}

/**
 * One command from delivery to its end: applies the events of command-state.ts one at a time, journals the state before
 * each effect, and enforces the executor's time-outs.
 */
export class CommandRun {
  readonly definition: CommandDefinition;
  readonly #executor: CommandExecutor;
  readonly #deps: CommandRunDeps;
  readonly #closing = new AbortController();
  #entry: JournalEntry;
  #command: Command;
  readonly #events = new OneAtATime();
  #controller: AbortController | undefined;
  /** An executor or resolver has not returned yet. */
  #working = false;
  #atWork: Promise<void> = Promise.resolve();
  #graceOver = false;
  #release: () => void = () => {};
  readonly #released: Promise<void>;
  /** Whether the wait for what the executor's `awaits` names is over, whatever its result. */
  #awaited = false;
  readonly #begun: boolean;
  readonly #alarms = new Map<"expiry" | "total" | "step" | "grace", Timer>();
  #wake: () => void = () => {};

  /** `begun`: the entry was journaled as running on arrival and has not started. Otherwise a running entry is from a previous process. */
  constructor(entry: JournalEntry, definition: CommandDefinition, executor: CommandExecutor, deps: CommandRunDeps, begun = false) {
    this.#begun = begun;
    this.definition = definition;
    this.#executor = executor;
    this.#deps = deps;
    this.#entry = entry;
    this.#command = {
      id: entry.id,
      attempt: entry.attempt,
      name: entry.name,
      afterCrash: definition.afterCrash,
      restarts: entry.restarts,
      ...(definition.restartsMax !== undefined && { restartsMax: definition.restartsMax }),
      ...(definition.finishesOnceIntended === true && { finishesOnceIntended: true }),
      state: stateFrom(entry),
    };
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
    if (entry.state.kind === "delivered") this.#watchExpiry();
  }

  /** The entry as it is on disk. */
  get entry(): JournalEntry {
    return this.#entry;
  }

  get state(): CommandState {
    return this.#command.state;
  }

  get working(): boolean {
    return this.#working;
  }

  /** Settles when the executor or resolver has returned and, while stopping, its success is journaled. */
  settled(): Promise<void> {
    return this.#atWork;
  }

  /**
   * Called when its lane is free. Settles when the lane may move on: the command has ended, and its executor has returned
   * or its grace period is over.
   */
  async work(): Promise<void> {
    try {
      await this.#begin();
    } catch (thrown) {
      if (!(thrown instanceof CommandStopped)) throw thrown;
      return;
    }
    this.#releaseWhenDone();
    await this.#released;
  }

  /**
   * Applies a verified cancel. Its number is journaled with the command's next write. Rejects with `CommandStopped` when
   * the agent stops first.
   */
  async cancel(number?: number): Promise<void> {
    if (number !== undefined) this.#entry = withCancel(this.#entry, number);
    await this.#settle({ t: "cancel" });
  }

  /** Call when the cloud's time became known; checks the expiry again. */
  timeLearnt(): void {
    if (this.#command.state.kind === "delivered") this.#watchExpiry();
    this.#wake();
  }

  /**
   * Aborts the executor because the agent is stopping. From now on only a success counts, since a failure may come from
   * the abort. Anything else is resolved at the next start.
   */
  stop(): void {
    for (const alarm of this.#alarms.values()) alarm.cancel();
    this.#alarms.clear();
    this.#controller?.abort("stopping");
    if (!this.#working) this.close();
  }

  /** Stops all journaling and reporting, whatever the executor still does. */
  close(): void {
    this.#closing.abort();
    this.#wake();
    this.#release();
  }

  async #begin(): Promise<void> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt += 1) {
      const { kind } = this.#command.state;
      if (kind === "final") return;
      const event = kind === "delivered" ? await this.#startEvent() : ({ t: this.#begun ? "begun" : "restored" } as const);
      if (event === undefined) continue;
      const taken = await this.#dispatch(event);
      if (taken.ok) return;
      // The effect must not begin before "running" is journaled. The command stays delivered until it expires.
      await this.#waitForDisk(this.#entry, taken.error, attempt, "the journal refused a write; the command waits");
    }
  }

  /** The event that starts or ends a delivered command; `undefined` when something changed while waiting, so the caller must ask again. */
  async #startEvent(): Promise<CommandEvent | undefined> {
    const expiry = expiryOf(this.#entry, this.#deps.now());
    if (expiry.kind === "expired") return { t: "expired", error: expiry.error };
    if (expiry.kind === "alive") return (await this.#awaitNeeds()) ? { t: "turn" } : undefined;
    return (await this.#waitForTime(expiry.leftMs)) ? { t: "expired", error: expiredByAge(this.#entry.ttlMs) } : undefined;
  }

  async #waitForDisk(entry: JournalEntry, why: StorageIssue, attempt: number, message: string): Promise<void> {
    const { timers, random, log } = this.#deps;
    log.warn({ command: keyText(entry), code: why.code, error: why.message }, message);
    await sleep(timers, "command.journal-retry", retryDelayMs(DISK_RETRY, attempt, random), this.#closing.signal);
  }

  /** Resolves to true when the whole time has passed, to false when woken earlier. */
  #waitForTime(delayMs: number): Promise<boolean> {
    return sleep(this.#deps.timers, "command.wait-for-time", delayMs, this.#untilWoken());
  }

  /** Resolves to true when the wait for `awaits` is over (the executor reports it if missing), to false when woken earlier. */
  async #awaitNeeds(): Promise<boolean> {
    const { awaits } = this.#executor;
    if (this.#awaited || awaits === undefined || awaits.isThere()) return true;
    const woken = this.#untilWoken();
    await awaits.wait(woken);
    this.#awaited = !woken.aborted;
    return this.#awaited;
  }

  #untilWoken(): AbortSignal {
    const waiting = new AbortController();
    this.#wake = () => waiting.abort();
    if (this.#closing.signal.aborted) waiting.abort();
    return waiting.signal;
  }

  /** Ends a waiting command as soon as it expires, not only at its turn. */
  #watchExpiry(): void {
    const expiry = expiryOf(this.#entry, this.#deps.now());
    if (expiry.kind === "alive") this.#arm("expiry", Math.min(expiry.leftMs + 1, EXPIRY_LOOK_MS), () => this.#expireIfDue());
    if (expiry.kind === "expired") this.#arm("expiry", 0, () => this.#expireIfDue());
  }

  #expireIfDue(): void {
    if (this.#command.state.kind !== "delivered") return;
    const expiry = expiryOf(this.#entry, this.#deps.now());
    if (expiry.kind === "expired") this.#fire({ t: "expired", error: expiry.error });
    else this.#watchExpiry();
  }

  /** Applies one event at a time, with its write. Changes nothing when the write fails; rejects with `CommandStopped` after `close`. */
  #dispatch(event: CommandEvent): Promise<Result<Step, StorageIssue>> {
    return this.#events.run(() => this.#apply(event));
  }

  /** For events that write nothing but a final state, whose write is retried until it succeeds. */
  async #settle(event: CommandEvent): Promise<void> {
    const taken = await this.#dispatch(event);
    if (!taken.ok) throw new Error(`the event ${event.t} wrote a state that is not final, and the write failed: ${taken.error.message}`);
  }

  /** Like `#settle`, for callers that do not wait. */
  #fire(event: CommandEvent): void {
    this.#settle(event).catch((thrown: unknown) => {
      if (!(thrown instanceof CommandStopped)) this.#deps.onBug(thrown);
    });
  }

  async #apply(event: CommandEvent): Promise<Result<Step, StorageIssue>> {
    if (this.#closing.signal.aborted) throw new CommandStopped("the agent is stopping");
    const taken = step(this.#command, event, this.#deps.now());
    // Abort before the write, which may take long.
    for (const effect of taken.effects) if (effect.do === "abort") this.#abort(effect.reason);
    const written = taken.persist ? await this.#persist(taken.command) : ok(undefined);
    if (!written.ok) return written;
    this.#command = taken.command;
    for (const effect of taken.effects) this.#perform(effect);
    if (taken.command.state.kind !== "delivered") this.#disarm("expiry");
    if (taken.command.state.kind === "final") this.#wake();
    this.#releaseWhenDone();
    return ok(taken);
  }

  async #persist(command: Command): Promise<Result<void, StorageIssue>> {
    const entry: JournalEntry = { ...this.#entry, restarts: command.restarts, state: journalStateOf(command.state) };
    for (let attempt = 0; ; attempt += 1) {
      const put = await this.#deps.store.put(entry);
      if (!put.ok && command.state.kind !== "final") return put;
      if (!put.ok) await this.#waitForDisk(entry, put.error, attempt, "an outcome could not be written; trying again");
      // Even if the write succeeded, nothing may follow once the agent is stopping.
      if (this.#closing.signal.aborted) throw new CommandStopped("the agent is stopping");
      if (!put.ok) continue;
      this.#entry = entry;
      return put;
    }
  }

  #perform(effect: CommandEffect): void {
    switch (effect.do) {
      case "execute":
        return this.#execute();
      case "resolve":
        return this.#resolve(effect.overdue);
      case "await-restart": {
        const elapsedMs =
          this.#command.state.kind === "running" ? elapsedSince(this.#command.state.started, this.#deps.now()) : undefined;
        return this.#armTotal(Math.max(0, this.definition.timeoutMs - (elapsedMs ?? 0)));
      }
      case "hand-over":
        return this.#deps.handOver(this.#entry);
      case "note":
        return this.#deps.log.warn(
          { command: keyText(this.#entry), name: this.#entry.name, what: effect.what },
          "an executor reported something after the end of its command",
        );
      case "abort":
        return undefined;
    }
  }

  #execute(): void {
    const signal = this.#supervise();
    this.#armTotal(this.definition.timeoutMs);
    this.#armStep();
    const work = execute(this.#entry, this.definition, this.#executor, this.#context(signal), this.#deps.log);
    this.#atWork = work.then((event) => this.#cameBack(event));
  }

  #resolve(overdue: boolean): void {
    const signal = this.#supervise();
    this.#atWork = this.#askWhatBecame(overdue, signal).then((event) => this.#cameBack(event));
  }

  async #askWhatBecame(overdue: boolean, signal: AbortSignal): Promise<CommandEvent> {
    const { awaits } = this.#executor;
    const mayRun = this.#executor.resolve !== undefined || this.definition.afterCrash === "run-again";
    // This wait does not count towards the time-out: the command is doing nothing.
    if (mayRun && !overdue) await awaits?.wait(signal);
    this.#armTotal(this.definition.timeoutMs);
    const expiry = expiryOf(this.#entry, this.#deps.now());
    const expired = expiry.kind === "expired" ? expiry.error : undefined;
    return askWhatBecame(this.#entry, this.#executor, { overdue, signal }, expired, this.#deps.log);
  }

  #supervise(): AbortSignal {
    this.#controller = new AbortController();
    this.#working = true;
    this.#graceOver = false;
    return this.#controller.signal;
  }

  async #cameBack(event: CommandEvent): Promise<void> {
    this.#working = false;
    for (const name of ["total", "step", "grace"] as const) this.#disarm(name);
    const stopping = this.#controller?.signal.reason === "stopping";
    const success = event.t === "settled" && event.execution.state === "succeeded";
    if (!stopping) return this.#fire(event);
    if (success) this.#fire(event);
    await this.#events.settled();
    this.close();
  }

  #context(signal: AbortSignal): ExecutionContext {
    const { id, attempt } = this.#entry;
    return {
      id,
      attempt,
      signal,
      progress: (what, percent) => {
        if (signal.aborted || this.#command.state.kind !== "running") return;
        this.#armStep();
        const share = percent === undefined ? {} : { percent: Math.round(Math.min(100, Math.max(0, percent))) };
        this.#deps.send({ t: "command-progress", id, attempt, state: "running", step: what.slice(0, 1000), ...share });
      },
      intend: async (note) => {
        if (signal.aborted) throw new CommandStopped("the command was stopped before its effect");
        const taken = await this.#dispatch({ t: "intended", note });
        if (!taken.ok) throw new IntentRefused(taken.error);
        if (!taken.value.persist || signal.aborted) throw new CommandStopped("the command was stopped before its effect");
      },
    };
  }

  #abort(reason: "canceled" | "timed-out"): void {
    this.#disarm("total");
    this.#disarm("step");
    if (!this.#working) return;
    this.#controller?.abort(reason);
    this.#arm("grace", GRACE_MS, () => {
      this.#graceOver = true;
      this.#fire({ t: "abandoned" });
    });
  }

  #armTotal(delayMs: number): void {
    const error: Issue = { code: "command.timed-out", message: `not finished ${this.definition.timeoutMs} ms after it started` };
    this.#arm("total", delayMs, () => this.#fire({ t: "timed-out", error }));
  }

  #armStep(): void {
    const { stepTimeoutMs } = this.definition;
    if (stepTimeoutMs === undefined) return;
    const error: Issue = { code: "command.step-timed-out", message: `no progress for ${stepTimeoutMs} ms` };
    this.#arm("step", stepTimeoutMs, () => this.#fire({ t: "timed-out", error }));
  }

  #arm(name: "expiry" | "total" | "step" | "grace", delayMs: number, fire: () => void): void {
    this.#disarm(name);
    if (this.#closing.signal.aborted) return;
    this.#alarms.set(name, this.#deps.timers.after(`command.${name}`, delayMs, fire));
  }

  #disarm(name: "expiry" | "total" | "step" | "grace"): void {
    this.#alarms.get(name)?.cancel();
    this.#alarms.delete(name);
  }

  #releaseWhenDone(): void {
    if (this.#command.state.kind === "final" && (!this.#working || this.#graceOver)) this.#release();
  }
}

function stateFrom(entry: JournalEntry): CommandState {
  if (entry.state.kind !== "running") return entry.state;
  return { ...entry.state, phase: { kind: "executing" } };
}
