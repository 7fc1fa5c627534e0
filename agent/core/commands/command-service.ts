import { findCommand, type CommandName } from "../../protocol/commands/catalog.ts";
import type { CommandDefinition } from "../../protocol/commands/definition.ts";
import type { DeviceMessage } from "../../protocol/device-messages.ts";
import type { Signed, SignedPurpose } from "../../protocol/signed.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import { ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { Backlog } from "../outbox/backlog.ts";
import type { EventSink } from "../outbox/event-sink.ts";
import type { StorageIssue } from "../storage/document-store.ts";
import { admitCommand, canceledAhead, ended, NEW_NUMBER, readCancelPayload, readCommandPayload } from "./command-admission.ts";
import { CommandAnswers, type CommandCounters } from "./command-answers.ts";
import { CommandStopped } from "./command-execution.ts";
import { expiryOf } from "./command-expiry.ts";
import { CommandInbox } from "./command-inbox.ts";
import { CommandLane } from "./command-lane.ts";
import { CommandRun } from "./command-run.ts";
import type { ExecutorTable } from "./executor.ts";
import { keyText, withCancel, type CommandKey, type JournalEntry, type Moment } from "./journal-entry.ts";
import type { JournalStore } from "./journal-store.ts";
import { OutcomeHandover } from "./outcome-handover.ts";
import { FORGOTTEN, UNSUPPORTED } from "./stand-ins.ts";

export interface CommandServiceDeps {
  readonly deviceId: string;
  readonly store: JournalStore;
  readonly executors: ExecutorTable;
  /** Checks the signature against the owner's command key and returns the payload text. */
  verify(signed: Signed, purpose: SignedPurpose): Promise<Result<string>>;
  send(message: DeviceMessage): boolean;
  readonly sink: EventSink;
  /** What the cloud has acknowledged, so that an outcome still in the outbox is not added twice. */
  readonly backlog: Pick<Backlog, "log" | "ranges">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Pick<Crypto, "sha256">;
  readonly log: Log;
  /** Boot id and time since boot, from the platform's `power` and `probe`. */
  readonly machine: { bootId(): Promise<string>; uptimeMs(): Promise<Reading<number>> };
  /** The time that decides expiry dates (see judging-clock.ts); `undefined` while unknown. */
  serverNowMs(): number | undefined;
}

/** Most unprocessed commands and cancels. */
const INBOX_MAX = 256;
/** Most commands waiting in one lane. */
const LANE_WAITING_MAX = 32;
/** Most unfinished commands in all lanes, including outcomes not yet handed over. */
const OPEN_MAX = 512;
/** Most open commands listed in `hello`. */
const HELLO_OPEN_MAX = 256;
/** Retention of finished commands: the longest time to live (one day) plus a week for clock errors and outages. */
const KEEP_MS = 8 * 86_400_000;
const ENTRIES_MAX = 2_000;
const JOURNAL_BYTES_MAX = 4 * 1024 * 1024;
/** The journal is pruned after this many finished commands. */
const PRUNE_EVERY = 32;
/** Most cancel numbers kept in memory: more than can be waiting to be journaled. */
const CANCELS_MAX = 1_024;
/** Grace period for running executors when the agent stops. */
const STOP_GRACE_MS = 2_000;

type Incoming = { readonly purpose: "command" | "cancel"; readonly signed: Signed };

/** State of one call of `run`. */
interface Session {
  readonly boot: string;
  /** Offset from the monotonic clock to the time since boot; absent when the machine does not report it. */
  readonly upOffsetMs: number | undefined;
  readonly runs: Map<string, CommandRun>;
  readonly lanes: Map<string, CommandLane>;
  readonly handover: OutcomeHandover;
  readonly ending: AbortController;
}

/**
 * The device's side of commands: verifies them, journals them before acting, runs one command per lane at a time,
 * and gives every accepted command exactly one outcome.
 */
export class CommandService {
  readonly #deps: CommandServiceDeps;
  readonly #inbox = new CommandInbox<Incoming>(INBOX_MAX);
  readonly #answers: CommandAnswers;
  /**
   * Targets of the cancels accepted since the start, by owner and number. Needed because a cancel's number reaches the
   * journal only with the next write of its command.
   */
  readonly #cancels = new Map<string, string>();
  #session: Session | undefined;
  #sincePrune = 0;

  constructor(deps: CommandServiceDeps) {
    this.#deps = deps;
    this.#answers = new CommandAnswers((message) => deps.send(message));
  }

  counters(): CommandCounters {
    return this.#answers.counters();
  }

  /** Takes a `command` message. Answers asynchronously. */
  command(signed: Signed): void {
    this.#receive({ purpose: "command", signed });
  }

  /** Takes a `cancel` message. Answers asynchronously. */
  cancel(signed: Signed): void {
    this.#receive({ purpose: "cancel", signed });
  }

  /** Call when the cloud's time became known or was corrected. */
  timeLearnt(): void {
    for (const run of this.#session?.runs.values() ?? []) run.timeLearnt();
  }

  /** Cancels all unfinished commands; called when the owner has released the device. */
  cancelAll(): void {
    const session = this.#session;
    if (session !== undefined) for (const run of session.runs.values()) this.#cancelRun(session, run);
  }

  /** Unfinished commands, for `hello`. */
  openCommands(): readonly (CommandKey & { readonly state: "delivered" | "running" })[] {
    const open: (CommandKey & { readonly state: "delivered" | "running" })[] = [];
    for (const { entry } of this.#session?.runs.values() ?? []) {
      if (entry.state.kind !== "final" && open.length < HELLO_OPEN_MAX)
        open.push({ id: entry.id, attempt: entry.attempt, state: entry.state.kind });
    }
    return open;
  }

  /** Runs until `signal` aborts. First resumes the unfinished commands in the journal. */
  async run(signal: AbortSignal): Promise<void> {
    const session = await this.#begin();
    this.#session = session;
    const stop = (): void => session.ending.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      await this.#restore(session);
      // One at a time: otherwise two copies of a command could both find no entry in the journal.
      const reading = this.#inbox.read(session.ending.signal, (incoming) => this.#take(session, incoming));
      await Promise.all([reading, session.handover.run(session.ending.signal).finally(stop)]);
      if (session.ending.signal.reason instanceof BugError) throw session.ending.signal.reason;
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
      await this.#end(session);
    }
  }

  async #begin(): Promise<Session> {
    const { store, sink, backlog, timers, random, log, machine, clock } = this.#deps;
    const boot = await machine.bootId();
    const uptime = await machine.uptimeMs();
    const upOffsetMs = uptime.kind === "ok" ? uptime.value - clock.monotonicMs() : undefined;
    const ending = new AbortController();
    const done = (): void => this.#done(ending);
    const handover = new OutcomeHandover({ store, sink, logId: () => backlog.log, timers, random, log, done });
    return { boot, upOffsetMs, runs: new Map(), lanes: new Map(), handover, ending };
  }

  async #restore(session: Session): Promise<void> {
    await this.#prune();
    const unfinished = await this.#deps.store.unfinished();
    // The running commands are unknown, so no new one may be taken until the supervisor has restarted this unit.
    if (!unfinished.ok) throw new Error(`the journal cannot be read: ${unfinished.error.message}`);
    // Commands that were running go first: their effect may already have begun.
    const rank = (entry: JournalEntry): number => (entry.state.kind === "running" ? 0 : 1);
    for (const entry of unfinished.value.toSorted((a, b) => rank(a) - rank(b))) {
      if (entry.state.kind === "final") session.handover.add(entry);
      else this.#enqueue(session, entry);
    }
  }

  async #end(session: Session): Promise<void> {
    for (const lane of session.lanes.values()) lane.close();
    for (const run of session.runs.values()) run.stop();
    const working = [...session.runs.values()].filter((run) => run.working);
    const grace = new AbortController();
    if (working.length > 0) {
      const all = Promise.all(working.map((run) => run.settled())).then(() => grace.abort());
      await Promise.race([all, sleep(this.#deps.timers, "command.stop-grace", STOP_GRACE_MS, grace.signal)]);
    }
    for (const run of session.runs.values()) run.close();
    if (this.#session === session) this.#session = undefined;
  }

  #receive(incoming: Incoming): void {
    if (this.#inbox.push(incoming)) return;
    this.#answers.count("notTaken");
    this.#answers.error(
      { code: "command.busy", message: `more than ${INBOX_MAX} commands are waiting to be processed` },
      incoming.purpose,
    );
  }

  async #take(session: Session, { purpose, signed }: Incoming): Promise<void> {
    const text = await this.#deps.verify(signed, purpose);
    if (!text.ok) {
      this.#answers.count("unauthorized");
      this.#deps.log.warn({ purpose, code: text.error.code }, "a command or cancel was not authorised");
      return this.#answers.error(text.error, purpose);
    }
    const taken = await (purpose === "command" ? this.#takeCommand(session, text.value, signed.key) : this.#takeCancel(session, text.value, signed.key));
    if (taken.ok) return;
    const { code, message } = taken.error;
    this.#answers.count("notTaken");
    this.#deps.log.warn({ purpose, code, error: message }, "the journal refused; the command was not taken");
    this.#answers.error({ code: "command.not-journaled", message: `not taken: ${message}`, hint: "Send it again later." }, purpose);
  }

  async #takeCommand(session: Session, text: string, owner: string): Promise<Result<void, StorageIssue>> {
    const payload = readCommandPayload(text, this.#deps.deviceId);
    if (!payload.ok) return ok(this.#refusePayload(payload.error, "command"));
    const admitted = await admitCommand(payload.value, owner, this.#now(session), {
      ...this.#deps,
      numberHolder: (number) => this.#numberHolder(owner, number),
    });
    if (!admitted.ok) return admitted;
    const admission = admitted.value;
    switch (admission.kind) {
      case "refused":
        this.#answers.count("replayed");
        this.#deps.log.warn({ command: admission.about, code: admission.error.code }, "a command was refused");
        if (admission.rejected) this.#answers.ackRejected(payload.value);
        return ok(this.#answers.error(admission.error, admission.about));
      case "known":
        this.#answers.count("known");
        return ok(this.#answerKnown(session, admission.entry));
      case "ended":
        if (this.#noRoom(session, admission.entry)) return ok(undefined);
        return this.#finishAtOnce(session, admission.entry);
      case "accepted": {
        if (this.#noRoom(session, admission.entry)) return ok(undefined);
        const laneName = this.#laneOf(admission.definition, admission.entry);
        const lane = this.#lane(session, laneName);
        if (lane.full) {
          const error: Issue = {
            code: "command.lane-full",
            message: `${LANE_WAITING_MAX} commands are already waiting for ${laneName}`,
          };
          return this.#finishAtOnce(session, ended(admission.entry, "rejected", error, this.#now(session)));
        }
        const awaits = this.#deps.executors[admission.definition.name as CommandName]?.awaits;
        const canBegin = lane.idle && (awaits === undefined || awaits.isThere());
        const begun = canBegin ? runningAtOnce(admission.entry, this.#now(session)) : undefined;
        const put = await this.#deps.store.put(begun ?? admission.entry);
        if (!put.ok) return put;
        this.#answers.count("accepted");
        this.#answers.ack(admission.entry);
        return ok(this.#enqueue(session, begun ?? admission.entry, begun !== undefined));
      }
    }
  }

  async #takeCancel(session: Session, text: string, owner: string): Promise<Result<void, StorageIssue>> {
    const payload = readCancelPayload(text, this.#deps.deviceId);
    if (!payload.ok) return ok(this.#refusePayload(payload.error, "cancel"));
    const key = keyText(payload.value);
    const run = session.runs.get(key);
    const { number } = payload.value;
    const found = run === undefined ? await this.#deps.store.get(payload.value.id, payload.value.attempt) : ok(run.entry);
    if (!found.ok) return found;
    const known = found.value;
    // The entry of a cancel that came before its command has the cancel's number.
    const holder = known?.number === number && known.name !== "" ? ok(`${key} itself`) : await this.#numberHolder(owner, number);
    if (!holder.ok) return holder;
    if (holder.value !== undefined && holder.value !== key) {
      this.#answers.count("replayed");
      const message = `the cancel of ${key} has number ${number}, which was already used for ${holder.value}; it is ignored`;
      return ok(this.#answers.error({ code: "command.number-reused", message, hint: NEW_NUMBER }, key));
    }
    this.#cancels.set(`${owner}/${number}`, key);
    const [oldest] = this.#cancels.keys();
    if (this.#cancels.size > CANCELS_MAX && oldest !== undefined) this.#cancels.delete(oldest);
    if (run !== undefined) return ok(this.#cancelRun(session, run, number));
    if (known !== undefined) {
      // Otherwise the same cancel, redelivered after the entry was pruned, would give the command a second outcome.
      const noted = withCancel(known, number);
      const put = noted === known || session.handover.canceled(keyText(known), number) ? ok(undefined) : await this.#deps.store.put(noted);
      return put.ok ? ok(this.#answerKnown(session, noted)) : put;
    }
    const floor = await this.#deps.store.floor(owner);
    if (!floor.ok) return floor;
    if (number <= floor.value) {
      this.#answers.count("replayed");
      return ok(this.#answers.error({ code: "command.replayed", message: `number ${number} of the cancel is not above ${floor.value}` }, key));
    }
    const entry = canceledAhead(payload.value, owner, this.#now(session));
    return this.#noRoom(session, entry) ? ok(undefined) : this.#finishAtOnce(session, entry);
  }

  /** Key of the command that used this number, itself or through its cancel. */
  async #numberHolder(owner: string, number: number): Promise<Result<string | undefined, StorageIssue>> {
    const canceled = this.#cancels.get(`${owner}/${number}`);
    if (canceled !== undefined) return ok(canceled);
    const holder = await this.#deps.store.numberHolder(owner, number);
    if (!holder.ok) return holder;
    return ok(holder.value === undefined ? undefined : keyText(holder.value));
  }

  /** Not awaited: a pending journal write must not delay later messages. */
  #cancelRun(session: Session, run: CommandRun, number?: number): void {
    run.cancel(number).then(
      () => this.#answers.ack(run.entry),
      (thrown: unknown) => {
        if (!(thrown instanceof CommandStopped)) this.#bug(session, thrown);
      },
    );
  }

  /** Acknowledges the state of a known key, which never runs again. Sends its outcome again unless it is still on its way. */
  #answerKnown(session: Session, entry: JournalEntry): void {
    this.#answers.ack(session.runs.get(keyText(entry))?.entry ?? entry);
    if (entry.state.kind !== "final" || session.handover.has(keyText(entry))) return;
    const { handedOver } = entry.state;
    const { backlog } = this.#deps;
    const waiting =
      handedOver !== undefined && handedOver.log === backlog.log && handedOver.seq > backlog.ranges().outcome.stored;
    if (!waiting) session.handover.add(entry);
  }

  /** Journals, acknowledges and reports a command that ended without running. */
  async #finishAtOnce(session: Session, entry: JournalEntry): Promise<Result<void, StorageIssue>> {
    const put = await this.#deps.store.put(entry);
    if (!put.ok) return put;
    this.#answers.count("rejected");
    this.#answers.ack(entry);
    session.handover.add(entry);
    return put;
  }

  /** `begun`: the entry was journaled as running right now because its lane is free. */
  #enqueue(session: Session, entry: JournalEntry, begun = false): void {
    // Missing when another agent version journaled a command that this one does not know.
    const definition = findCommand(entry.name) ?? FORGOTTEN;
    const { store, timers, random, log, executors } = this.#deps;
    const executor = executors[definition.name as CommandName] ?? UNSUPPORTED;
    const key = keyText(entry);
    const lane = this.#lane(session, this.#laneOf(definition, entry));
    const run = new CommandRun(entry, definition, executor, {
      store,
      timers,
      random,
      log,
      now: () => this.#now(session),
      send: (message) => this.#deps.send(message),
      handOver: (final) => {
        session.handover.add(final);
        lane.remove(key);
        if (!run.working) session.runs.delete(key);
      },
      onBug: (thrown) => this.#bug(session, thrown),
    }, begun);
    session.runs.set(key, run);
    lane.push(key, async () => {
      await run.work();
      session.runs.delete(key);
    });
  }

  #laneOf(definition: CommandDefinition, entry: JournalEntry): string {
    return this.#deps.executors[definition.name as CommandName]?.lane?.(entry.params as never) ?? definition.lane;
  }

  #lane(session: Session, name: string): CommandLane {
    let lane = session.lanes.get(name);
    if (lane === undefined) {
      lane = new CommandLane(LANE_WAITING_MAX, (thrown) => this.#bug(session, thrown));
      session.lanes.set(name, lane);
    }
    return lane;
  }

  #done(ending: AbortController): void {
    this.#answers.count("finished");
    this.#sincePrune += 1;
    if (this.#sincePrune < PRUNE_EVERY) return;
    this.#sincePrune = 0;
    this.#prune().catch((thrown: unknown) => this.#bug({ ending }, thrown));
  }

  async #prune(): Promise<void> {
    const { store, clock, log } = this.#deps;
    const finishedBeforeWallMs = clock.wallMs() - KEEP_MS;
    const pruned = await store.prune({ finishedBeforeWallMs, entriesMax: ENTRIES_MAX, bytesMax: JOURNAL_BYTES_MAX });
    // Harmless: the journal stays larger until the next attempt.
    if (!pruned.ok) log.warn({ code: pruned.error.code, error: pruned.error.message }, "the journal could not be pruned");
  }

  #noRoom(session: Session, entry: JournalEntry): boolean {
    if (session.runs.size + session.handover.size < OPEN_MAX) return false;
    this.#answers.count("notTaken");
    this.#answers.error(
      { code: "command.journal-full", message: `${OPEN_MAX} commands are unfinished`, hint: "Send it again later." },
      keyText(entry),
    );
    return true;
  }

  #refusePayload(error: Issue, about: string): void {
    if (error.code === "command.other-device") this.#answers.count("unauthorized");
    else this.#answers.count("malformed");
    this.#deps.log.warn({ code: error.code, error: error.message }, "a signed payload was refused");
    this.#answers.error(error, about);
  }

  #now(session: Session): Moment {
    const { clock } = this.#deps;
    const serverMs = this.#deps.serverNowMs();
    return {
      wallMs: clock.wallMs(),
      boot: session.boot,
      ...(session.upOffsetMs === undefined ? {} : { upMs: clock.monotonicMs() + session.upOffsetMs }),
      ...(serverMs === undefined ? {} : { serverMs }),
    };
  }

  #bug({ ending }: Pick<Session, "ending">, thrown: unknown): void {
    ending.abort(new BugError("the command service broke", { cause: thrown }));
  }
}

/**
 * The entry as running, for a command whose lane is free: one write journals both delivery and start. `undefined` when
 * the command may not start now.
 */
function runningAtOnce(entry: JournalEntry, now: Moment): JournalEntry | undefined {
  return expiryOf(entry, now).kind === "alive" ? { ...entry, state: { kind: "running", started: now } } : undefined;
}

/** Ends the service after a bug. The supervisor restarts it from the journal. */
class BugError extends Error {
  override readonly name = "BugError";
}
