import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { ClockSegment } from "./outbox-store.ts";

/** A smaller difference is not a clock step: the clocks are read one after the other and rounded to milliseconds. */
const STEP_MS = 20;
/** Both clocks at one moment, and how far the wall clock can be trusted. */
interface Moment {
  readonly wallMs: number;
  readonly monoMs: number;
  readonly quality: ClockQuality;
}

/** Last millisecond of the year 9999, the latest the wire carries. */
const WALL_MS_MAX = 253_402_300_799_999;

/**
 * The offsets between wall and monotonic time, by period. Both clocks are slewed alike, so the offset changes
 * only when the wall clock steps: a few segments describe a boot exactly, and correcting a segment corrects
 * every record made in it before the clock was synced.
 */
export class ClockSegments {
  readonly #boot: string;
  readonly #all: Map<number, ClockSegment>;
  #current: ClockSegment | undefined;
  #quality: ClockQuality;
  #nextId: number;
  readonly #unsaved = new Set<number>();

  constructor(boot: string, known: readonly ClockSegment[], now: Moment) {
    this.#boot = boot;
    this.#quality = now.quality;
    this.#all = new Map(known.map((segment) => [segment.id, segment]));
    this.#nextId = known.reduce((highest, segment) => Math.max(highest, segment.id), 0) + 1;
    const last = known.findLast((segment) => segment.boot === boot);
    // A later process of the same boot continues the last segment if the clock has not changed since.
    if (last !== undefined && last.sinceMonoMs <= now.monoMs && fits(last, now)) this.#current = last;
  }

  /** The segment for a record made at this moment; a new one if the clock has stepped or its quality has changed. */
  at(wallMs: number, monoMs: number): ClockSegment {
    const now = { wallMs, monoMs, quality: this.#quality };
    if (this.#current !== undefined && fits(this.#current, now)) return this.#current;
    const segment: ClockSegment = {
      id: this.#nextId,
      boot: this.#boot,
      quality: now.quality,
      offsetMs: Math.round(wallMs - monoMs),
      sinceMonoMs: Math.floor(monoMs),
    };
    this.#nextId += 1;
    this.#put(segment);
    this.#current = segment;
    return segment;
  }

  get quality(): ClockQuality {
    return this.#quality;
  }

  /** Sets the clock quality for new segments. */
  unsynced(quality: Exclude<ClockQuality, "synced">): void {
    this.#quality = quality;
  }

  /**
   * The wall clock is now right: corrects every unsynced segment of this boot. Segments of an earlier process
   * whose monotonic clock had another zero are moved by the size of the wall clock's step.
   */
  synced(wallMs: number, monoMs: number): void {
    this.#quality = "synced";
    const offsetMs = Math.round(wallMs - monoMs);
    const stepMs = this.#current === undefined || this.#current.quality === "synced" ? undefined : offsetMs - this.#current.offsetMs;
    const firstOfOurs = this.#firstOfThisZero(monoMs);
    for (const segment of [...this.#all.values()]) {
      if (segment.boot !== this.#boot || segment.quality === "synced") continue;
      if (segment.id >= firstOfOurs) this.#put({ ...segment, quality: "synced", offsetMs });
      else if (stepMs !== undefined) this.#put({ ...segment, quality: "synced", offsetMs: segment.offsetMs + stepMs });
    }
    if (this.#current !== undefined) this.#current = this.#all.get(this.#current.id);
  }

  /** Boot, clock quality and wall time of a record, as currently known. */
  resolve(id: number, monoMs: number): { readonly boot: string; readonly quality: ClockQuality; readonly wallMs: number } {
    const segment = this.#all.get(id);
    // The segment was lost to damage; the record itself is intact and still worth sending.
    if (segment === undefined) return { boot: "unknown", quality: "unset", wallMs: 0 };
    const wallMs = Math.min(WALL_MS_MAX, Math.max(0, Math.round(segment.offsetMs + monoMs)));
    return { boot: segment.boot, quality: segment.quality, wallMs };
  }

  /** Segments the store does not have yet. Pass them to `saved` once it has. */
  unsaved(): ClockSegment[] {
    return [...this.#unsaved].flatMap((id) => this.#all.get(id) ?? []);
  }

  saved(segments: readonly ClockSegment[]): void {
    for (const segment of segments) if (this.#all.get(segment.id) === segment) this.#unsaved.delete(segment.id);
  }

  /** Marks every segment unsaved, for a new store. */
  unsaveAll(): void {
    for (const id of this.#all.keys()) this.#unsaved.add(id);
  }

  /**
   * Continues in another store, which has its own segments: ours get new ids above those.
   * Returns old id to new id.
   */
  moveOnto(known: readonly ClockSegment[]): ReadonlyMap<number, number> {
    const ours = [...this.#all.values()];
    const currentId = this.#current?.id;
    const moved = new Map<number, number>();
    this.#all.clear();
    this.#unsaved.clear();
    for (const segment of known) this.#all.set(segment.id, segment);
    this.#nextId = known.reduce((highest, segment) => Math.max(highest, segment.id), 0) + 1;
    for (const segment of ours) {
      moved.set(segment.id, this.#nextId);
      this.#put({ ...segment, id: this.#nextId });
      if (segment.id === currentId) this.#current = this.#all.get(this.#nextId);
      this.#nextId += 1;
    }
    return moved;
  }

  /** Id of this boot's earliest segment from which its monotonic clock has only risen up to `monoMs`. */
  #firstOfThisZero(monoMs: number): number {
    let first = this.#nextId;
    let above = monoMs;
    for (const segment of [...this.#all.values()].sort((a, b) => b.id - a.id)) {
      if (segment.boot !== this.#boot) continue;
      if (segment.sinceMonoMs > above) break;
      above = segment.sinceMonoMs;
      first = segment.id;
    }
    return first;
  }

  #put(segment: ClockSegment): void {
    this.#all.set(segment.id, segment);
    this.#unsaved.add(segment.id);
  }
}

function fits(segment: ClockSegment, now: Moment): boolean {
  return segment.quality === now.quality && Math.abs(now.wallMs - now.monoMs - segment.offsetMs) < STEP_MS;
}
