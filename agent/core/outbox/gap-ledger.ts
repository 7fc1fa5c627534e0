import { parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { GapSchema, type Stream } from "../../protocol/records.ts";
import { validate } from "../../protocol/codec.ts";
import type { GapEntry, GapReason } from "./outbox-store.ts";

/** A loss to report. Records dropped before they got a number have no range. */
export interface Loss {
  readonly stream: Stream;
  readonly reason: GapReason;
  readonly source?: string;
  readonly from?: number;
  readonly to?: number;
  readonly count: number;
}

/** Entries beyond this many share the source `other`, so that names from outside cannot grow the table. */
const ENTRIES_MAX = 64;

/**
 * Losses, coalesced by (stream, reason, source). At most one gap record of each kind waits in the outbox;
 * losses in the meantime are added up here and reported by the next one. So gap records cannot fill the
 * outbox, and no loss goes unreported.
 */
export class GapLedger {
  readonly #entries = new Map<string, GapEntry>();
  readonly #unsaved = new Set<string>();

  constructor(entries: readonly GapEntry[]) {
    for (const entry of entries) this.#entries.set(keyOf(entry), entry);
  }

  entries(): GapEntry[] {
    return [...this.#entries.values()];
  }

  add(loss: Loss): void {
    let key = keyOf({ stream: loss.stream, reason: loss.reason, source: loss.source ?? "" });
    let source = loss.source ?? "";
    if (!this.#entries.has(key) && this.#entries.size >= ENTRIES_MAX && source !== "") {
      source = "other";
      key = keyOf({ stream: loss.stream, reason: loss.reason, source });
    }
    const before = this.#entries.get(key) ?? { stream: loss.stream, reason: loss.reason, source, count: 0 };
    this.#put(key, merge(before, loss));
  }

  /** Entries for which a gap record should be written now. */
  due(): GapEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.count > 0 && entry.carrier === undefined);
  }

  /** `entry` is reported by the gap record numbered `carrier`; its count starts again at 0. */
  told(entry: GapEntry, carrier: number): GapEntry {
    const key = keyOf(entry);
    const { from: _from, to: _to, ...rest } = entry;
    const next: GapEntry = { ...rest, count: 0, carrier };
    this.#put(key, next);
    return next;
  }

  /** Undoes `told`: the gap record could not be written. Losses added since are kept. */
  untold(entry: GapEntry): void {
    const key = keyOf(entry);
    const since = this.#entries.get(key);
    this.#put(key, since === undefined || since.count === 0 ? entry : merge(entry, since));
  }

  /** Stream `alarm` is acknowledged (or evicted) up to here. Returns true when entries are due. */
  carriersDone(upTo: number): boolean {
    for (const [key, entry] of [...this.#entries]) {
      if (entry.carrier === undefined || entry.carrier > upTo) continue;
      const { carrier: _carrier, ...rest } = entry;
      this.#put(key, rest);
    }
    return this.due().length > 0;
  }

  /** These records of stream `alarm` will never reach the cloud; the next gap record of the same kind need not wait for them. */
  carrierLost(seqs: readonly number[]): void {
    for (const [key, entry] of [...this.#entries]) {
      if (entry.carrier === undefined || !seqs.includes(entry.carrier)) continue;
      const { carrier: _carrier, ...rest } = entry;
      this.#put(key, rest);
    }
  }

  /** The entries to save if these losses happened, without recording them. */
  preview(losses: readonly Loss[]): GapEntry[] {
    const after = new GapLedger([]);
    for (const [key, entry] of this.#entries) after.#entries.set(key, entry);
    for (const key of this.#unsaved) after.#unsaved.add(key);
    for (const loss of losses) after.add(loss);
    return after.unsaved();
  }

  unsaved(): GapEntry[] {
    return [...this.#unsaved].flatMap((key) => this.#entries.get(key) ?? []);
  }

  saved(entries: readonly GapEntry[]): void {
    for (const entry of entries) {
      const key = keyOf(entry);
      if (this.#entries.get(key) !== entry) continue;
      this.#unsaved.delete(key);
      if (entry.count === 0 && entry.carrier === undefined) this.#entries.delete(key);
    }
  }

  /** For a new store: nothing is saved in it, and gap records of the old one no longer count as carriers. */
  startAnew(): void {
    for (const [key, entry] of this.#entries) {
      const { carrier: _carrier, ...rest } = entry;
      this.#put(key, rest);
    }
  }

  #put(key: string, entry: GapEntry): void {
    this.#entries.set(key, entry);
    this.#unsaved.add(key);
  }
}

/** The loss a gap record reports, from its body as JSON text: must be reported again if that record is dropped. */
export function lossToldBy(body: string): Loss | undefined {
  const gap = validate(GapSchema, parseJson(body), "gap");
  return gap.ok ? gap.value : undefined;
}

/** The body of the gap record that reports an entry. */
export function gapBody(entry: GapEntry): JsonObject {
  return {
    stream: entry.stream,
    reason: entry.reason,
    count: entry.count,
    ...(entry.from === undefined ? {} : { from: entry.from }),
    ...(entry.to === undefined ? {} : { to: entry.to }),
    ...(entry.source === "" ? {} : { source: entry.source.slice(0, 64) }),
  };
}

function merge(entry: GapEntry, loss: Pick<Loss, "from" | "to" | "count">): GapEntry {
  const from = lowest(entry.from, loss.from);
  const to = highest(entry.to, loss.to);
  return {
    ...entry,
    count: entry.count + loss.count,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

function lowest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

function highest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b);
}

function keyOf(entry: Pick<GapEntry, "stream" | "reason" | "source">): string {
  return `${entry.stream}/${entry.reason}/${entry.source}`;
}
