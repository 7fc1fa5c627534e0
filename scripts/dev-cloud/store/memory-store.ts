import { STREAMS, type Stream } from "../../../agent/protocol/records.ts";
import {
  isFinal,
  type CloudStore,
  type CommandQuery,
  type CommandRow,
  type DeviceRow,
  type DocumentKind,
  type DocumentRow,
  type LogPositions,
  type NewRecord,
  type Position,
  type PruneReport,
  type RecordQuery,
  type RecordRow,
  type RetentionCaps,
  type UploadQuery,
  type UploadRow,
} from "../sessions/cloud-store.ts";

interface LogEntry {
  readonly device: string;
  readonly log: string;
  readonly firstSeenMs: number;
  readonly streams: Partial<Record<Stream, Position>>;
}

/**
 * In-memory store, for the simulation and tests of the sessions. A transaction that throws is rolled back, as in
 * the real store: every write records its undo.
 */
export class MemoryStore implements CloudStore {
  readonly #devices = new Map<string, DeviceRow>();
  readonly #documents = new Map<string, DocumentRow>();
  readonly #commands = new Map<string, CommandRow>();
  readonly #logs = new Map<string, LogEntry>();
  readonly #records = new Map<number, RecordRow>();
  readonly #recordKeys = new Map<string, number>();
  readonly #uploads = new Map<string, UploadRow>();
  readonly #counters = new Map<string, number>();
  #lastCursor = 0;
  #undo: (() => void)[] | undefined;

  transaction<T>(work: () => T): T {
    if (this.#undo !== undefined) throw new Error("transactions do not nest");
    this.#undo = [];
    try {
      return this.savepoint(work);
    } finally {
      this.#undo = undefined;
    }
  }

  savepoint<T>(work: () => T): T {
    const undos = this.#undo;
    if (undos === undefined) throw new Error("a savepoint needs a transaction");
    const before = undos.length;
    try {
      return work();
    } catch (thrown) {
      for (const undo of undos.splice(before).reverse()) undo();
      throw thrown;
    }
  }

  devices(): readonly DeviceRow[] {
    return [...this.#devices.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  device(id: string): DeviceRow | undefined {
    return this.#devices.get(id);
  }

  putDevice(row: DeviceRow): void {
    this.#set(this.#devices, row.id, copied(row));
  }

  removeDevice(id: string): void {
    this.#delete(this.#devices, id);
    for (const [key, row] of this.#documents) if (row.device === id) this.#delete(this.#documents, key);
    for (const [key, row] of this.#commands) if (row.device === id) this.#delete(this.#commands, key);
    for (const [key, row] of this.#logs) if (row.device === id) this.#delete(this.#logs, key);
    for (const row of this.#records.values()) if (row.device === id) this.#removeRecord(row);
    for (const [key, row] of this.#uploads) if (row.device === id) this.#delete(this.#uploads, key);
  }

  document(device: string, kind: DocumentKind): DocumentRow | undefined {
    return this.#documents.get(`${device} ${kind}`);
  }

  putDocument(row: DocumentRow): void {
    this.#set(this.#documents, `${row.device} ${row.kind}`, copied(row));
  }

  removeDocument(device: string, kind: DocumentKind): void {
    this.#delete(this.#documents, `${device} ${kind}`);
  }

  command(device: string, id: string, attempt?: number): CommandRow | undefined {
    if (attempt !== undefined) return this.#commands.get(`${device} ${id} ${attempt}`);
    let newest: CommandRow | undefined;
    for (const row of this.#commands.values()) {
      if (row.device === device && row.id === id && (newest === undefined || row.attempt > newest.attempt)) newest = row;
    }
    return newest;
  }

  putCommand(row: CommandRow): void {
    this.#set(this.#commands, `${row.device} ${row.id} ${row.attempt}`, copied(row));
  }

  commands(query: CommandQuery): readonly CommandRow[] {
    const { device, before = Infinity, state, internal, limit } = query;
    return [...this.#commands.values()]
      .filter((row) => row.device === device && row.number < before && (internal || !row.internal) && hasState(row, state))
      .sort((a, b) => b.number - a.number)
      .slice(0, limit);
  }

  openCommands(device?: string): readonly CommandRow[] {
    return [...this.#commands.values()]
      .filter((row) => !isFinal(row.state) && (device === undefined || row.device === device))
      .sort((a, b) => (a.device === b.device ? a.number - b.number : a.device < b.device ? -1 : 1));
  }

  position(device: string, log: string, stream: Stream): Position {
    return this.#logs.get(`${device} ${log}`)?.streams[stream] ?? { upTo: 0, holes: [] };
  }

  putPosition(device: string, log: string, stream: Stream, position: Position, nowMs: number): void {
    const before = this.#logs.get(`${device} ${log}`) ?? { device, log, firstSeenMs: nowMs, streams: {} };
    this.#set(this.#logs, `${device} ${log}`, { ...before, streams: { ...before.streams, [stream]: copied(position) } });
  }

  positions(device: string): readonly LogPositions[] {
    return [...this.#logs.values()]
      .filter((entry) => entry.device === device)
      .map(({ log, firstSeenMs, streams }) => ({ log, firstSeenMs, streams }));
  }

  appendRecords(records: readonly NewRecord[]): readonly RecordRow[] {
    return records.map((record) => {
      const key = recordKey(record);
      if (this.#recordKeys.has(key)) throw new Error(`record ${key} is stored already`);
      if (!this.#devices.has(record.device)) throw new Error(`records of an unknown device: ${record.device}`);
      if (!this.#logs.has(`${record.device} ${record.log}`)) {
        this.#set(this.#logs, `${record.device} ${record.log}`, {
          device: record.device,
          log: record.log,
          firstSeenMs: record.receivedMs,
          streams: {},
        });
      }
      const row = { ...copied(record), cursor: (this.#lastCursor += 1) };
      this.#set(this.#records, row.cursor, row);
      this.#set(this.#recordKeys, key, row.cursor);
      return row;
    });
  }

  hasRecord(device: string, log: string, stream: Stream, seq: number): boolean {
    return this.#recordKeys.has(recordKey({ device, log, stream, seq }));
  }

  records(query: RecordQuery): readonly RecordRow[] {
    const { device, streams, kind, limit, before = Infinity, after } = query;
    const found = [...this.#records.values()].filter(
      (row) =>
        row.device === device &&
        !row.hidden &&
        streams.includes(row.stream) &&
        (kind === undefined || row.kind === kind) &&
        (after === undefined ? row.cursor < before : row.cursor > after),
    );
    found.sort((a, b) => (after === undefined ? b.cursor - a.cursor : a.cursor - b.cursor));
    return found.slice(0, limit);
  }

  telemetry(device: string, fromMs: number, toMs: number, limit: number): readonly RecordRow[] {
    return [...this.#records.values()]
      .filter(
        (row) =>
          row.device === device &&
          row.stream === "metric" &&
          row.kind === "telemetry" &&
          row.wallMs >= fromMs &&
          row.wallMs <= toMs,
      )
      .sort((a, b) => a.wallMs - b.wallMs || a.cursor - b.cursor)
      .slice(-limit);
  }

  recordCount(device: string, stream: Stream): number {
    let count = 0;
    for (const row of this.#records.values()) if (row.device === device && row.stream === stream) count += 1;
    return count;
  }

  upload(id: string): UploadRow | undefined {
    return this.#uploads.get(id);
  }

  uploadByToken(token: string): UploadRow | undefined {
    return [...this.#uploads.values()].find((row) => row.token === token);
  }

  putUpload(row: UploadRow): void {
    this.#set(this.#uploads, row.id, copied(row));
  }

  removeUpload(id: string): void {
    this.#delete(this.#uploads, id);
  }

  uploads(query: UploadQuery): readonly UploadRow[] {
    const { device, purpose, state, internal, limit } = query;
    return [...this.#uploads.values()]
      .filter(
        (row) =>
          (internal || !row.internal) &&
          (device ?? row.device) === row.device &&
          (purpose ?? row.purpose) === row.purpose &&
          (state ?? row.state) === row.state,
      )
      .sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? 1 : -1))
      .slice(0, limit);
  }

  prune(caps: RetentionCaps, budget: number): PruneReport {
    return this.transaction(() => {
      const report: Record<string, number> = {};
      let left = budget;
      const take = <T>(name: string, rows: readonly T[], cap: number, remove: (row: T) => void): void => {
        const over = rows.slice(0, Math.max(0, Math.min(left, rows.length - cap)));
        for (const row of over) remove(row);
        left -= over.length;
        if (over.length > 0) report[name] = (report[name] ?? 0) + over.length;
      };
      for (const { id } of this.devices()) {
        const records = [...this.#records.values()].filter((row) => row.device === id);
        for (const stream of STREAMS)
          take(
            stream,
            records.filter((row) => row.stream === stream),
            caps.records[stream],
            (row) => this.#removeRecord(row),
          );
        take(
          "hidden",
          records.filter((row) => row.hidden && this.#records.has(row.cursor)),
          caps.hidden,
          (row) => this.#removeRecord(row),
        );
        const done = [...this.#commands.values()]
          .filter((row) => row.device === id && isFinal(row.state))
          .sort((a, b) => a.number - b.number);
        const drop = (row: CommandRow): void => this.#delete(this.#commands, `${row.device} ${row.id} ${row.attempt}`);
        take(
          "commands",
          done.filter((row) => !row.internal),
          caps.commands,
          drop,
        );
        take(
          "commands",
          done.filter((row) => row.internal),
          caps.hidden,
          drop,
        );
      }
      for (const [name, count] of Object.entries(report)) this.addToCounter(`pruned.${name}`, count);
      return report;
    });
  }

  counter(name: string): number {
    return this.#counters.get(name) ?? 0;
  }

  counters(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counters);
  }

  addToCounter(name: string, by: number): void {
    this.#set(this.#counters, name, this.counter(name) + by);
  }

  close(): void {
    // Nothing to close.
  }

  #removeRecord(row: RecordRow): void {
    this.#delete(this.#records, row.cursor);
    this.#delete(this.#recordKeys, recordKey(row));
  }

  #set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    const had = map.has(key);
    map.set(key, value);
    this.#undo?.push(() => {
      if (had) map.set(key, before as V);
      else map.delete(key);
    });
  }

  #delete<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    if (!map.delete(key)) return;
    this.#undo?.push(() => map.set(key, before as V));
  }
}

function recordKey(record: Pick<NewRecord, "device" | "log" | "stream" | "seq">): string {
  return `${record.device} ${record.log} ${record.stream} ${record.seq}`;
}

function hasState(row: CommandRow, state: CommandQuery["state"]): boolean {
  if (state === undefined) return true;
  if (state === "open") return !isFinal(row.state);
  if (state === "final") return isFinal(row.state);
  return row.state === state;
}

/** Deep copy, so that later changes to the caller's object do not reach the store. */
function copied<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => copied(item)) as T;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    // As in JSON: undefined members are left out, and `__proto__` is an ordinary key.
    if (member === undefined) continue;
    if (key === "__proto__") Object.defineProperty(copy, key, { value: copied(member), enumerable: true, configurable: true, writable: true });
    else copy[key] = copied(member);
  }
  return copy as T;
}
