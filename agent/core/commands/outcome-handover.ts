import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { CommandOutcome } from "../../protocol/records.ts";
import type { EventSink } from "../outbox/event-sink.ts";
import { keyText, withCancel, type HandedOver, type JournalEntry } from "./journal-entry.ts";
import type { JournalStore } from "./journal-store.ts";

/** Delay between queueing an outcome and marking it in the journal: the link sends it first, and nobody waits for the mark. */
const MARK_DELAY_MS = 10;
const RETRY: RetryPolicy = { firstMs: 1_000, factor: 2, capMs: 60_000, floorMs: 200 };

export interface OutcomeHandoverDeps {
  readonly store: Pick<JournalStore, "put">;
  readonly sink: EventSink;
  /** Id of the outbox's log in use: sequence numbers mean something only within one. */
  logId(): string;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** The entry is in the outbox and the journal says so. */
  done(entry: JournalEntry): void;
}

interface Handing {
  readonly entry: JournalEntry;
  /** Where it is in the outbox; absent: not yet. */
  readonly place?: HandedOver;
}

/**
 * Hands final outcomes over to the outbox, one after the other, and marks them in the journal when no other waits. After a
 * power cut between the two the outcome is queued again, and its dedupe key makes it the same record.
 */
export class OutcomeHandover {
  readonly #deps: OutcomeHandoverDeps;
  readonly #waiting = new Map<string, Handing>();
  /** Since the last mark. */
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

  /** Notes a cancel that arrived while an outcome is being handed over, so that its mark in the journal keeps it. False: that outcome is not being handed over. */
  canceled(key: string, number: number): boolean {
    const handing = this.#waiting.get(key);
    if (handing === undefined) return false;
    this.#waiting.set(key, { ...handing, entry: withCancel(handing.entry, number) });
    return true;
  }

  /** Queues a final entry. One that was handed over before is sent again as a record of its own. */
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

  /** Until the link had its turn, or another outcome comes. */
  async #pause(): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(this.#deps.timers, "command.hand-over-mark", MARK_DELAY_MS, woken.signal);
  }

  /** What is not in the outbox goes first: the cloud waits for it. */
  #next(): Handing | undefined {
    let marking: Handing | undefined;
    for (const handing of this.#waiting.values()) {
      if (handing.place === undefined) return handing;
      marking ??= handing;
    }
    return marking;
  }

  /** `undefined` when it is in the outbox, else what is in the way. */
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

  /** `undefined` when the journal says where it is, else what is in the way. */
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

/** `outcome:<id>:<attempt>`; a second sending is another record, named by the first one's place. */
export function dedupeKeyOf(entry: JournalEntry, before: HandedOver | undefined): string {
  const key = `outcome:${keyText(entry)}`;
  return before === undefined ? key : `${key}:after-${before.log}-${before.seq}`;
}

/** What is left of an outcome that no outbox takes. */
function bare(outcome: CommandOutcome, why: string): CommandOutcome {
  const { id, attempt, name, state } = outcome;
  return { id, attempt, name, state, error: outcome.error ?? { code: "outcome.result-too-large", message: why.slice(0, 1000) } };
}
