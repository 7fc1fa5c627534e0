import type { JournalEntry } from "../../agent/core/commands/journal-entry.ts";
import type { DeviceMessageOf } from "../../agent/protocol/device-messages.ts";
import type { CommandOutcome, Stream } from "../../agent/protocol/records.ts";
import type { Json, JsonObject } from "../../platform/runtime/json.ts";
import type { RecordRow } from "../dev-cloud/sessions/cloud-store.ts";
import { Orders } from "./orders.ts";

/** A record that the agent has confirmed as accepted. */
export interface Accepted {
  readonly device: string;
  readonly stream: Stream;
  readonly kind: string;
  /** Log and sequence number in the confirmation. */
  readonly log: string;
  readonly seq: number;
  /** Identifies the record wherever it is stored. */
  readonly identity: string;
  /** Shared by repeated offers of the same record. */
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
  /** It changes nothing and may run again after a crash. */
  readonly runsAgain: boolean;
  /** Identifies its effect at the hardware; absent when that is impossible. */
  readonly effectKey?: string;
}

type Listeners<T> = Set<(value: T) => void>;

/**
 * Observations kept outside device and cloud, so that neither can influence them. The invariants compare what was promised
 * with what arrived.
 */
export class Ledger {
  readonly accepted = new Map<string, Accepted>();
  /** Promises that a documented limit excuses: memory while the disk fails, the last second of the weaker streams. */
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
  /** An order to the hardware, whoever gave it. */
  readonly onOrdered: Listeners<{ readonly device: string; readonly name: string; readonly params: readonly Json[] }> = new Set();
  /** The journal says that a command runs, or how it ended. */
  readonly onCommand: Listeners<{ readonly device: string; readonly name: string; readonly params: JsonObject; readonly state: string }> = new Set();
  /** The journal says how a software update ended. */
  readonly onUpdate: Listeners<{ readonly device: string; readonly command: string; readonly version: string; readonly outcome: CommandOutcome }> = new Set();
  /** How often each thing that an update can come to was drawn. */
  readonly updates = new Counts();
  /** Somebody used the display's own remote control. */
  readonly onRemote: Listeners<string> = new Set();
  readonly onConnect: Listeners<{ readonly device: string; readonly atMs: number }> = new Set();
  connects = 0;
  powerOrders = 0;
  /** Reboots that agents asked for by themselves. */
  ownReboots = 0;
  /** Number of frames that left one side or reached the device. */
  frames = 0;
  /** Number of injected faults. */
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
    if (row.stream === "outcome" && row.kind === "command") this.#outcomesAt.set(outcomeKey(row.device, row.body), cloud);
  }

  /** The cloud that has a command's outcome; a device that was moved tells it to the one where it is. */
  outcomeAt(device: string, command: { readonly id: string; readonly attempt: number }): string | undefined {
    return this.#outcomesAt.get(outcomeKey(device, command));
  }
  readonly #outcomesAt = new Map<string, string>();

  /** Notes a frame that leaves the device, after which its sequence numbers are final. */
  sent(device: string, frame: string): void {
    if (this.onSent.size === 0 || !frame.startsWith('{"t":"records"')) return;
    const { log, boot, stream, records } = JSON.parse(frame) as DeviceMessageOf<"records">;
    for (const { seq, kind, mono, body } of records) {
      tell(this.onSent, { place: placeOf(device, log, stream, seq), identity: identityOf(device, { boot, stream, kind, monoMs: mono, body }) });
    }
  }

  /** Notes a log that exists only in memory. */
  inMemory(log: string): void {
    this.memoryLogs.add(log);
  }

  /** Notes that the page was told that this record is kept. */
  pageWasPromised(device: string, id: string): void {
    const key = `${device} ${id}`;
    if (!this.#pageTaken.has(key)) this.#pageOwed.set(key, device);
  }

  /** Notes that an agent took a page's record, which from now on counts like any accepted record. */
  pageTaken(device: string, id: string): void {
    const key = `${device} ${id}`;
    this.#pageTaken.add(key);
    this.#pageOwed.delete(key);
  }

  /** Excuses lines of the spool that a power cut removed before they were synced. */
  pageLost(device: string, lines: string): void {
    for (const [, id] of lines.matchAll(PAGE_ID)) if (id !== undefined) this.pageTaken(device, id);
  }

  /** Page records of this device that were promised but have not reached an agent. */
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

  /** Notes an order at the hardware without an identity of its own, as an effect of its command if that can be determined. */
  ordered(device: string, name: string, params: readonly Json[]): void {
    if (name === "display.power") this.powerOrders += 1;
    tell(this.onOrdered, { device, name, params });
    const command = this.orders.commandOf(device, name, params);
    if (command !== undefined) this.effect(device, orderKeyOf(command));
  }

  effectCount(device: string, key: string): number {
    return this.effects.get(`${device} ${key}`) ?? 0;
  }

  command(issued: IssuedCommand): void {
    this.commands.push(issued);
  }

  /** Notes that a command runs or ended, as its journal says. */
  journaled(device: string, { id, attempt, name, params, state }: JournalEntry): void {
    if (name === UPDATE && state.kind === "final" && state.handedOver === undefined) tell(this.onUpdate, { device, command: `${id}:${attempt}`, version: versionOf(params), outcome: state.outcome });
    if (state.kind === "running") tell(this.onCommand, { device, name, params, state: "running" });
    // Later entries of a final state say only where its outcome is.
    if (state.kind === "final" && state.handedOver === undefined) tell(this.onCommand, { device, name, params, state: state.outcome.state });
  }

  remoteUsed(device: string): void {
    tell(this.onRemote, device);
  }

  connecting(device: string, atMs: number): void {
    this.connects += 1;
    tell(this.onConnect, { device, atMs });
  }

  /** Accepted records of this device that are neither stored nor excused. */
  owed(device: string): Accepted[] {
    const open = this.#open.get(device) ?? new Map<string, Accepted>();
    for (const [key, record] of open) if (this.excused.has(record.identity) || this.isStored(record)) open.delete(key);
    return [...open.values()];
  }
  /** By device: records owed at the last look, and those accepted since. Stored and excused records stay so. */
  readonly #open = new Map<string, Map<string, Accepted>>();

  isStored(record: Accepted): boolean {
    if (this.identities.has(record.identity)) return true;
    const { dedupeKey } = record;
    if (dedupeKey === undefined) return false;
    return (this.#sameRecord.get(dedupeKey) ?? []).some((identity) => this.identities.has(identity));
  }

  /** Identities of every form in which a record with this key was offered. */
  formsOf(dedupeKey: string): readonly string[] {
    return this.#sameRecord.get(dedupeKey) ?? [];
  }

  /** Notes a form of a record that is offered under a key. Any form that arrives counts. */
  offered(dedupeKey: string, identity: string): void {
    const forms = this.#sameRecord.get(dedupeKey);
    if (forms === undefined) this.#sameRecord.set(dedupeKey, [identity]);
    else if (!forms.includes(identity)) forms.push(identity);
  }
  readonly #sameRecord = new Map<string, string[]>();
}

const UPDATE = "software.update";

/** Empty for a command that was canceled before it arrived: nobody has seen its parameters. */
function versionOf({ release }: JsonObject): string {
  if (release === undefined) return "";
  return (JSON.parse((release as { payload: string }).payload) as { version: string }).version;
}

/** Numbers by name. */
export class Counts {
  readonly all: Record<string, number> = {};

  count(name: string): void {
    this.all[name] = (this.all[name] ?? 0) + 1;
  }
}

/** The simulated page's id of its record, in a line of the spool. */
const PAGE_ID = /"data":\{"id":"([^"]+)"/g;

/** Identity of a record: its body, without log, number and wall time, so that a corrected clock or a copied log does not change it. */
export function identityOf(device: string, record: { readonly boot: string; readonly stream: Stream; readonly kind: string; readonly monoMs: number; readonly body: JsonObject }): string {
  return `${device}|${record.boot}|${record.stream}|${record.kind}|${record.monoMs}|${JSON.stringify(record.body)}`;
}

function outcomeKey(device: string, { id, attempt }: Readonly<Record<string, unknown>> | { readonly id: string; readonly attempt: number }): string {
  return `${device} ${JSON.stringify([id, attempt])}`;
}

/** Begins the effect key of a reboot or a shut-down; its reason follows. */
export const MACHINE_MARK = "machine:";

/** Effect key for all hardware orders of one command; `command`: its id and attempt. */
export function orderKeyOf(command: string): string {
  return `order:${command}`;
}

export function placeOf(device: string, log: string, stream: Stream, seq: number): string {
  return `${device} ${log} ${stream} ${seq}`;
}

function tell<T>(listeners: Listeners<T>, value: T): void {
  for (const listener of listeners) listener(value);
}
