import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { CommandOutcome } from "../../protocol/records.ts";
import type { EventSink } from "../outbox/event-sink.ts";
import { keyText, withCancel, type HandedOver, type JournalEntry } from "./journal-entry.ts";
import type { JournalStore } from "./journal-store.ts";

/** Delay between adding an outcome to the outbox and marking it in the journal, so that the link can send it first. */
const MARK_DELAY_MS = 10;
const RETRY: RetryPolicy = { firstMs: 1_000, factor: 2, capMs: 60_000, floorMs: 200 };

export interface OutcomeHandoverDeps {
  readonly store: Pick<JournalStore, "put">;
  readonly sink: EventSink;
  /** Id of the outbox's current log; sequence numbers are valid only within one log. */
  logId(): string;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** Called when the entry is in the outbox and marked in the journal. */
  done(entry: JournalEntry): void;
}

interface Handing {
  readonly entry: JournalEntry;
  /** Where it is in the outbox; absent before that. */
  readonly place?: HandedOver;
}

/**
 * Adds final outcomes to the outbox one at a time, and marks them in the journal when no other outcome waits. After a power
 * cut between the two the outcome is added again; its dedupe key makes it the same record.
 */
export class OutcomeHandover {
  readonly #deps: OutcomeHandoverDeps;
  readonly #waiting = new Map<string, Handing>();
  /** Whether an outcome was added to the outbox since the last pause. */
  #justHandedOver = false;
  #wake: () => void = () => {};

  constructor(deps: OutcomeHandoverDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#waiting.size;
  }

  has(key: string): boolean {
    return this.#waiting.has(key);
  }

  /**
   * Notes a cancel that arrived during the hand-over, so that marking the entry does not overwrite its number. Returns
   * false when this outcome is not being handed over.
   */
  canceled(key: string, number: number): boolean {
    const handing = this.#waiting.get(key);
    if (handing === undefined) return false;
    this.#waiting.set(key, { ...handing, entry: withCancel(handing.entry, number) });
    return true;
  }

  /** Queues a final entry. One that was handed over before is added again as a new record. */
  add(entry: JournalEntry): void {
    if (!this.#waiting.has(keyText(entry))) this.#waiting.set(keyText(entry), { entry });
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { timers, random, log } = this.#deps;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    let failures = 0;
    while (!signal.aborted) {
      const next = this.#next();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      if (next.place !== undefined && this.#justHandedOver) {
        this.#justHandedOver = false;
        await this.#pause();
        continue;
      }
      const problem = await (next.place === undefined ? this.#handOver(next.entry) : this.#mark(next.entry, next.place));
      if (problem === undefined) {
        failures = 0;
        continue;
      }
      if (failures === 0)
        log.warn({ command: keyText(next.entry), error: problem }, "an outcome could not be handed over; trying again");
      await sleep(timers, "command.hand-over-retry", retryDelayMs(RETRY, failures, random), signal);
      failures += 1;
    }
  }

  /** Waits for `MARK_DELAY_MS` or until another outcome comes. */
  async #pause(): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(this.#deps.timers, "command.hand-over-mark", MARK_DELAY_MS, woken.signal);
  }

  /** Outcomes not yet in the outbox come first: the cloud waits for them. */
  #next(): Handing | undefined {
    let marking: Handing | undefined;
    for (const handing of this.#waiting.values()) {
      if (handing.place === undefined) return handing;
      marking ??= handing;
    }
    return marking;
  }

  /** Returns `undefined` when the outcome is in the outbox, else the error. */
  async #handOver(entry: JournalEntry): Promise<string | undefined> {
    if (entry.state.kind !== "final") throw new Error(`command ${keyText(entry)} is handed over before its end`);
    const { outcome, handedOver } = entry.state;
    const dedupeKey = dedupeKeyOf(entry, handedOver);
    const logId = this.#deps.logId();
    let appended = await this.#append(outcome, dedupeKey);
    if (!appended.ok && appended.error.code === "outbox.too-large")
      appended = await this.#append(bare(outcome, appended.error.message), dedupeKey);
    if (!appended.ok) return `${appended.error.code}: ${appended.error.message}`;
    this.#waiting.set(keyText(entry), { entry, place: { log: logId, seq: appended.value.seq } });
    this.#justHandedOver = true;
    return undefined;
  }

  /** Returns `undefined` when the entry is marked in the journal, else the error. */
  async #mark(entry: JournalEntry, place: HandedOver): Promise<string | undefined> {
    if (entry.state.kind !== "final") throw new Error(`command ${keyText(entry)} is marked before its end`);
    const marked: JournalEntry = { ...entry, state: { ...entry.state, handedOver: place } };
    const put = await this.#deps.store.put(marked);
    if (!put.ok) return put.error.message;
    this.#waiting.delete(keyText(entry));
    this.#deps.done(marked);
    return undefined;
  }

  #append(outcome: CommandOutcome, dedupeKey: string): ReturnType<EventSink["append"]> {
    return this.#deps.sink.append({ stream: "outcome", kind: "command", body: outcome, source: "agent", dedupeKey });
  }
}

/** `outcome:<id>:<attempt>`. When sent again, the place of the previous record is appended, which makes it a new record. */
export function dedupeKeyOf(entry: JournalEntry, before: HandedOver | undefined): string {
  const key = `outcome:${keyText(entry)}`;
  return before === undefined ? key : `${key}:after-${before.log}-${before.seq}`;
}

/** The outcome without result and effect, for one that is too large for the outbox. */
function bare(outcome: CommandOutcome, why: string): CommandOutcome {
  const { id, attempt, name, state } = outcome;
  return { id, attempt, name, state, error: outcome.error ?? { code: "outcome.result-too-large", message: why.slice(0, 1000) } };
}
