import { fail, type Issue, ok, type Result } from "../../../platform/ports/result.ts";
import { utf8Length } from "../../../platform/runtime/encoding.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { perStream } from "./per-stream.ts";
import {
  RECENT_KEYS_MAX, type ClockSegment, type GapEntry, type NewRow, type OutboxChange, type OutboxContents, type OutboxOpening, type OutboxStore,
  type ReadRange, type StoredRow, type StoredRows, type StoreUsage,
} from "./outbox-store.ts";

/** Overhead of a row, without its body. */
const ROW_BYTES = 64;

interface MemoryRow extends StoredRow {
  readonly dedupeKey?: string;
}

/** The contents of a store, as values. */
interface Image {
  log: string;
  readonly rows: Record<Stream, Map<number, MemoryRow>>;
  readonly stored: Record<Stream, number>;
  readonly newest: Record<Stream, number>;
  readonly segments: Map<number, ClockSegment>;
  readonly gaps: Map<string, GapEntry>;
  readonly recentKeys: { readonly key: string; readonly seq: number }[];
  bytes: number;
}

/** Simulated faults and delays of a disk. */
export interface MemoryDiskBehaviour {
  /** A failure for the next commit, or `undefined` to let it pass. `synced` tells whether it asked for a sync. */
  readonly refuse?: (change: OutboxChange, synced: boolean) => Issue | undefined;
  /** Resolves when a sync is done. */
  readonly sync?: () => Promise<void>;
}

/**
 * A disk that holds one outbox in memory, for tests and simulation. Like a real one, it survives a crash with every
 * synced change and any number of later ones. An agent without a usable disk also keeps its records in it.
 */
export class MemoryDisk {
  readonly #bytesMax: number;
  readonly #behaviour: MemoryDiskBehaviour;
  #live: Image;
  #safe: Image;
  /** Applied to `live` and not yet to `safe`. */
  #unsynced: OutboxChange[] = [];
  #generation = 0;

  constructor(log: string, bytesMax: number, behaviour: MemoryDiskBehaviour = {}) {
    this.#bytesMax = bytesMax;
    this.#behaviour = behaviour;
    this.#live = emptyImage(log);
    this.#safe = emptyImage(log);
  }

  /** As with a real store, changes a killed process wrote but never synced are on disk before anything is read. */
  open(): OutboxOpening {
    this.#generation += 1;
    for (const change of this.#unsynced.splice(0)) applyTo(this.#safe, change);
    return { store: new MemoryOutboxStore(this, this.#generation), contents: contentsOf(this.#live), losses: [] };
  }

  /** Power cut: of the changes since the last sync, the first `kept` survive. Open stores stop working. */
  crash(kept = 0): void {
    this.#generation += 1;
    for (const change of this.#unsynced.slice(0, kept)) applyTo(this.#safe, change);
    this.#unsynced = [];
    this.#live = copyOf(this.#safe);
  }

  /** How many changes a crash at this moment may keep or lose. */
  get unsyncedChanges(): number {
    return this.#unsynced.length;
  }

  isCurrent(generation: number): boolean {
    return generation === this.#generation;
  }

  usage(): StoreUsage {
    return { bytes: this.#live.bytes, bytesMax: this.#bytesMax };
  }

  /** The log whose rows are on it. */
  get log(): string {
    return this.#live.log;
  }

  rows(stream: Stream): ReadonlyMap<number, MemoryRow> {
    return this.#live.rows[stream];
  }

  async commit(change: OutboxChange, synced: boolean): Promise<Result<void>> {
    const refusal = this.#behaviour.refuse?.(change, synced);
    if (refusal !== undefined) return { ok: false, error: refusal };
    const added = (change.add ?? []).reduce((sum, row) => sum + utf8Length(row.body) + ROW_BYTES, 0);
    if (added > 0 && this.#live.bytes + added > this.#bytesMax) return fail("storage.full", `the store is limited to ${this.#bytesMax} bytes`);
    applyTo(this.#live, change);
    this.#unsynced.push(change);
    if (synced) {
      const count = this.#unsynced.length;
      await this.#behaviour.sync?.();
      for (const done of this.#unsynced.splice(0, count)) applyTo(this.#safe, done);
    }
    return ok(undefined);
  }
}

class MemoryOutboxStore implements OutboxStore {
  readonly #disk: MemoryDisk;
  readonly #generation: number;

  constructor(disk: MemoryDisk, generation: number) {
    this.#disk = disk;
    this.#generation = generation;
  }

  async commit(change: OutboxChange, synced: boolean): Promise<Result<void>> {
    if (!this.#disk.isCurrent(this.#generation)) return GONE;
    const done = await this.#disk.commit(change, synced);
    // The power failed during the sync: the commit must not be reported as done.
    return this.#disk.isCurrent(this.#generation) ? done : GONE;
  }

  async read(stream: Stream, range: ReadRange): Promise<Result<StoredRows>> {
    if (!this.#disk.isCurrent(this.#generation)) return GONE;
    const rows: StoredRow[] = [];
    let bytes = 0;
    const all = this.#disk.rows(stream);
    for (const seq of numbersFrom(all, range.after)) {
      const row = all.get(seq);
      if (row === undefined) continue;
      if (seq > range.upTo || rows.length >= range.rowsMax || (rows.length > 0 && bytes >= range.bytesMax)) break;
      rows.push(row);
      bytes += row.bytes;
    }
    return ok({ rows, damaged: [] });
  }

  usage(): StoreUsage {
    return this.#disk.usage();
  }

  async close(): Promise<void> {
    // There is no file to close.
  }
}

const GONE = fail("storage.io", "the disk is gone");

/** Keys above `after` in ascending order: by counting up to the first hole, then by iterating. */
function* numbersFrom(rows: ReadonlyMap<number, MemoryRow>, after: number): Generator<number> {
  let seq = after + 1;
  for (; rows.has(seq); seq += 1) yield seq;
  for (const next of rows.keys()) if (next > seq) yield next;
}

function emptyImage(log: string): Image {
  return {
    log,
    rows: perStream(() => new Map()),
    stored: perStream(() => 0),
    newest: perStream(() => 0),
    segments: new Map(),
    gaps: new Map(),
    recentKeys: [],
    bytes: 0,
  };
}

function copyOf(image: Image): Image {
  return {
    log: image.log,
    rows: perStream((stream) => new Map(image.rows[stream])),
    stored: { ...image.stored },
    newest: { ...image.newest },
    segments: new Map(image.segments),
    gaps: new Map(image.gaps),
    recentKeys: [...image.recentKeys],
    bytes: image.bytes,
  };
}

function applyTo(image: Image, change: OutboxChange): void {
  for (const segment of change.segments ?? []) image.segments.set(segment.id, segment);
  for (const stream of STREAMS) {
    const upTo = change.dropUpTo?.[stream];
    if (upTo === undefined) continue;
    for (const seq of image.rows[stream].keys()) {
      if (seq > upTo) break;
      drop(image, stream, seq);
    }
  }
  for (const { stream, seq } of change.dropOne ?? []) drop(image, stream, seq);
  for (const stream of STREAMS) image.stored[stream] = Math.max(image.stored[stream], change.stored?.[stream] ?? 0);
  for (const gap of change.gaps ?? []) {
    const key = `${gap.stream}/${gap.reason}/${gap.source}`;
    if (gap.count === 0 && gap.carrier === undefined) image.gaps.delete(key);
    else image.gaps.set(key, gap);
  }
  for (const row of change.add ?? []) add(image, row);
  if (change.log !== undefined) image.log = change.log;
}

function add(image: Image, row: NewRow): void {
  if (row.seq <= image.newest[row.stream]) throw new Error(`${row.stream} ${row.seq} is not above ${image.newest[row.stream]}`);
  const { seq, kind, segment, monoMs, body, dedupeKey } = row;
  const stored = { seq, kind, segment, monoMs, body, bytes: utf8Length(body), ...(dedupeKey === undefined ? {} : { dedupeKey }) };
  image.rows[row.stream].set(seq, stored);
  image.newest[row.stream] = seq;
  image.bytes += stored.bytes + ROW_BYTES;
}

function drop(image: Image, stream: Stream, seq: number): void {
  const row = image.rows[stream].get(seq);
  if (row === undefined) return;
  image.rows[stream].delete(seq);
  image.bytes -= row.bytes + ROW_BYTES;
  if (row.dedupeKey === undefined) return;
  image.recentKeys.push({ key: row.dedupeKey, seq });
  if (image.recentKeys.length > RECENT_KEYS_MAX) image.recentKeys.shift();
}

function contentsOf(image: Image): OutboxContents {
  const rows = STREAMS.flatMap((stream) => [...image.rows[stream].values()]);
  const keysHere = rows.flatMap(({ dedupeKey, seq }) => (dedupeKey === undefined ? [] : { key: dedupeKey, seq }));
  return {
    log: image.log,
    streams: perStream((stream) => {
      const first = image.rows[stream].keys().next();
      const newest = image.newest[stream];
      return { stored: image.stored[stream], oldest: first.done === true ? newest + 1 : first.value, newest };
    }),
    segments: [...image.segments.values()],
    gaps: [...image.gaps.values()],
    keys: [...image.recentKeys, ...keysHere],
  };
}
