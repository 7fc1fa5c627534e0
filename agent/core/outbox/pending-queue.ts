import type { Result } from "../../../platform/ports/result.ts";
import type { Stream } from "../../protocol/records.ts";
import type { OutboxStore } from "./outbox-store.ts";

/** A record waiting to be written. */
export interface PendingRecord {
  readonly stream: Stream;
  /** 0 until numbered: records of durable streams at commit, others when accepted. */
  seq: number;
  readonly kind: string;
  readonly body: string;
  readonly bytes: number;
  readonly monoMs: number;
  segment: number;
  readonly source: string;
  readonly dedupeKey?: string;
  /** Caller waiting for it to be on disk. Absent for records already accepted. */
  readonly waiter?: Waiter;
  /** The row it replaces in the same commit: the same record under its old number, in the store it was read from. */
  readonly replaces?: { readonly seq: number; readonly store: OutboxStore };
  /** Caller to notify once it is on disk, however late: it does not hasten the write, and disk errors are waited out. */
  readonly patient?: Waiter;
}

interface Waiter {
  readonly resolve: (result: Result<{ readonly seq: number }>) => void;
  readonly reject: (bug: unknown) => void;
}

/** Records in arrival order, limited in number and bytes. */
export class PendingQueue {
  readonly #recordsMax: number;
  readonly #bytesMax: number;
  #records: PendingRecord[] = [];
  #bytes = 0;
  #waiters = 0;

  constructor(recordsMax: number, bytesMax: number) {
    this.#recordsMax = recordsMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#records.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#records.length < this.#recordsMax && this.#bytes + bytes <= this.#bytesMax;
  }

  push(record: PendingRecord): void {
    this.#records.push(record);
    this.#count([record], 1);
  }

  /** Removes and returns the first records within both limits; at least one if there is one. */
  take(recordsMax: number, bytesMax: number): PendingRecord[] {
    let count = 0;
    let bytes = 0;
    for (const record of this.#records) {
      if (count > 0 && (count >= recordsMax || bytes + record.bytes > bytesMax)) break;
      count += 1;
      bytes += record.bytes;
    }
    const taken = this.#records.slice(0, count);
    this.#records = this.#records.slice(count);
    this.#count(taken, -1);
    return taken;
  }

  /** Puts records back at the front. */
  putBack(records: readonly PendingRecord[]): void {
    this.#records = [...records, ...this.#records];
    this.#count(records, 1);
  }

  /** True when a caller waits for one of them to be on disk. */
  get awaited(): boolean {
    return this.#waiters > 0;
  }

  all(): readonly PendingRecord[] {
    return this.#records;
  }

  #count(records: readonly PendingRecord[], sign: 1 | -1): void {
    for (const record of records) {
      this.#bytes += sign * record.bytes;
      if (record.waiter !== undefined) this.#waiters += sign;
    }
  }
}
