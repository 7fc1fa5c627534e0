import type { DeviceMessageOf } from "../../agent/protocol/device-messages.ts";
import type { Stream } from "../../agent/protocol/records.ts";
import type { Json, JsonObject } from "../../platform/runtime/json.ts";
import type { RecordRow } from "../dev-cloud/sessions/cloud-store.ts";
import { Orders } from "./orders.ts";

/** A record some part of the device was told is accepted. */
export interface Accepted {
  readonly device: string;
  readonly stream: Stream;
  readonly kind: string;
  /** Log and number it was told. */
  readonly log: string;
  readonly seq: number;
  /** What makes this record itself, wherever it is stored. */
  readonly identity: string;
  /** Shared by everything that is the same record offered again. */
  readonly dedupeKey?: string;
  readonly atMs: number;
}

/** A record a cloud committed. */
export interface Stored {
  readonly cloud: string;
  readonly row: RecordRow;
  readonly identity: string;
}

export interface IssuedCommand {
  readonly cloud: string;
  readonly device: string;
  readonly id: string;
  readonly attempt: number;
  readonly name: string;
  /** It changes nothing and may be begun again after a crash. */
  readonly runsAgain: boolean;
  /** How its effect is told apart at the hardware; absent: it cannot be. */
  readonly effectKey?: string;
}

type Listeners<T> = Set<(value: T) => void>;

/**
 * Who saw what, kept outside of device and cloud. The invariants compare what was promised with what came;
 * neither side can make it look better than it is.
 */
export class Ledger {
  readonly accepted = new Map<string, Accepted>();
  /** Promises that a stated limit takes back: memory while the disk is gone, the last second of the weaker streams. */
  readonly excused = new Set<string>();
  readonly storedAt = new Map<string, Stored>();
  readonly identities = new Set<string>();
  readonly gaps: RecordRow[] = [];
  readonly commands: IssuedCommand[] = [];
  readonly effects = new Map<string, number>();
  readonly orders = new Orders();
  readonly memoryLogs = new Set<string>();
  /** Ids of the boots each device really had. */
  readonly boots = new Set<string>();
  readonly onAccepted: Listeners<Accepted> = new Set();
  readonly onStored: Listeners<Stored> = new Set();
  readonly onSent: Listeners<{ readonly place: string; readonly identity: string }> = new Set();
  readonly onEffect: Listeners<{ readonly device: string; readonly key: string; readonly count: number }> = new Set();
  readonly onConnect: Listeners<{ readonly device: string; readonly atMs: number }> = new Set();
  connects = 0;
  /** Frames that left one side or reached the device. */
  frames = 0;
  /** Everything that was made to go wrong, each once. */
  faults = 0;

  accept(record: Accepted): void {
    const key = `${record.device} ${record.log} ${record.stream} ${record.seq} ${record.identity}`;
    this.accepted.set(key, record);
    const open = this.#open.get(record.device) ?? new Map<string, Accepted>();
    this.#open.set(record.device, open.set(key, record));
    tell(this.onAccepted, record);
  }

  stored(cloud: string, row: RecordRow): void {
    const stored: Stored = { cloud, row, identity: identityOf(row.device, row) };
    tell(this.onStored, stored);
    const place = placeOf(row.device, row.log, row.stream, row.seq);
    if (!this.storedAt.has(place)) this.storedAt.set(place, stored);
    this.identities.add(stored.identity);
    if (row.kind === "gap") this.gaps.push(row);
  }

  /** A frame leaves the device: what it says of a number cannot be taken back. */
  sent(device: string, frame: string): void {
    if (this.onSent.size === 0 || !frame.startsWith('{"t":"records"')) return;
    const { log, boot, stream, records } = JSON.parse(frame) as DeviceMessageOf<"records">;
    for (const { seq, kind, mono, body } of records) {
      tell(this.onSent, { place: placeOf(device, log, stream, seq), identity: identityOf(device, { boot, stream, kind, monoMs: mono, body }) });
    }
  }

  /** A log that exists in memory alone. */
  inMemory(log: string): void {
    this.memoryLogs.add(log);
  }

  /** The page was told that this record is kept. */
  pageWasPromised(device: string, id: string): void {
    const key = `${device} ${id}`;
    if (!this.#pageTaken.has(key)) this.#pageOwed.set(key, device);
  }

  /** An agent took what a page emitted; from here on the record is owed as any other. */
  pageTaken(device: string, id: string): void {
    const key = `${device} ${id}`;
    this.#pageTaken.add(key);
    this.#pageOwed.delete(key);
  }

  /** Lines of the spool that a power cut took before they were synced. */
  pageLost(device: string, lines: string): void {
    for (const [, id] of lines.matchAll(PAGE_ID)) if (id !== undefined) this.pageTaken(device, id);
  }

  /** What pages of this device were promised and no agent has heard of. */
  pageOwed(device: string): readonly string[] {
    return [...this.#pageOwed].flatMap(([key, owner]) => (owner === device ? [key] : []));
  }
  readonly #pageTaken = new Set<string>();
  readonly #pageOwed = new Map<string, string>();

  effect(device: string, key: string): void {
    const count = (this.effects.get(`${device} ${key}`) ?? 0) + 1;
    this.effects.set(`${device} ${key}`, count);
    tell(this.onEffect, { device, key, count });
  }

  /** An order without a mark of its own reached the hardware: an effect of the command it belongs to, if that can be said. */
  ordered(device: string, name: string, params: readonly Json[]): void {
    const command = this.orders.commandOf(device, name, params);
    if (command !== undefined) this.effect(device, orderKeyOf(command));
  }

  effectCount(device: string, key: string): number {
    return this.effects.get(`${device} ${key}`) ?? 0;
  }

  command(issued: IssuedCommand): void {
    this.commands.push(issued);
  }

  connecting(device: string, atMs: number): void {
    this.connects += 1;
    tell(this.onConnect, { device, atMs });
  }

  /** What was promised of this device and neither stored nor excused. */
  owed(device: string): Accepted[] {
    const open = this.#open.get(device) ?? new Map<string, Accepted>();
    for (const [key, record] of open) if (this.excused.has(record.identity) || this.isStored(record)) open.delete(key);
    return [...open.values()];
  }
  /** By device: what was still owed when it was last looked at, and what was accepted since. What is stored or excused stays so. */
  readonly #open = new Map<string, Map<string, Accepted>>();

  isStored(record: Accepted): boolean {
    if (this.identities.has(record.identity)) return true;
    const { dedupeKey } = record;
    if (dedupeKey === undefined) return false;
    return (this.#sameRecord.get(dedupeKey) ?? []).some((identity) => this.identities.has(identity));
  }

  /** Every form in which a record with this key was offered. */
  formsOf(dedupeKey: string): readonly string[] {
    return this.#sameRecord.get(dedupeKey) ?? [];
  }

  /** A record is offered under a key: whichever of its forms arrives, it arrived. */
  offered(dedupeKey: string, identity: string): void {
    const forms = this.#sameRecord.get(dedupeKey);
    if (forms === undefined) this.#sameRecord.set(dedupeKey, [identity]);
    else if (!forms.includes(identity)) forms.push(identity);
  }
  readonly #sameRecord = new Map<string, string[]>();
}

/** What the simulated page knows its record by, in a line of the spool. */
const PAGE_ID = /"data":\{"id":"([^"]+)"/g;

/** The record as such, its body as it was written and travels, without place and wall time: a corrected clock and a copied log leave it the same. */
export function identityOf(device: string, record: { readonly boot: string; readonly stream: Stream; readonly kind: string; readonly monoMs: number; readonly body: JsonObject }): string {
  return `${device}|${record.boot}|${record.stream}|${record.kind}|${record.monoMs}|${JSON.stringify(record.body)}`;
}

/** The effect that is all orders of one command to the hardware; `command` is its id and attempt. */
export function orderKeyOf(command: string): string {
  return `order:${command}`;
}

export function placeOf(device: string, log: string, stream: Stream, seq: number): string {
  return `${device} ${log} ${stream} ${seq}`;
}

function tell<T>(listeners: Listeners<T>, value: T): void {
  for (const listener of listeners) listener(value);
}
