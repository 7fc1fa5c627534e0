import { WEEKDAYS, type Schedule } from "../../protocol/schedule.ts";
import type { ZoneTable } from "../../../platform/ports/host.ts";
import { ok, type Result } from "../../../platform/ports/result.ts";
import { TimeZone, type Segment } from "./time-zone.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** The epoch was a Thursday; local weeks are counted from the Monday before it. */
const MONDAY_MS = -3 * DAY_MS;
/** Longer than any clock was ever set back: about a day, over the date line (Alaska 1867, Kwajalein 1969). */
const SETBACK_MAX_MS = 26 * 3_600_000;
/** How far ahead edges are searched. A jump over the date line can skip the only window of a week. */
const AHEAD_MS = 3 * WEEK_MS;

/** Local times since the beginning of the week, in ms; `to` is exclusive. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * A compiled weekly schedule. Pure: the same schedule and instant give the same answer.
 *
 * One rule covers every change of the clocks: **a scheduled time happens once, at the first instant at which a local clock
 * shows it or a later time.** A skipped time happens at the moment of the skip (a window wholly inside the gap does not
 * happen). Of a repeated hour only the first counts, so the screen does not go off and on again.
 *
 * This equals reading the schedule with a clock that stands still when the real one is set back, which is how it is
 * computed.
 */
export class WeeklySchedule {
  readonly #zone: TimeZone;
  readonly #spans: readonly Span[];

  private constructor(zone: TimeZone, spans: readonly Span[]) {
    this.#zone = zone;
    this.#spans = spans;
  }

  /** Fails with `schedule.unknown-time-zone`. */
  static compile(schedule: Schedule, table?: ZoneTable): Result<WeeklySchedule> {
    const zone = TimeZone.open(schedule.timeZone, table);
    return zone.ok ? ok(new WeeklySchedule(zone.value, spansOf(schedule))) : zone;
  }

  expectedAt(wallMs: number): "on" | "off" {
    return this.#isOn(this.#ratchetedLocalMs(wallMs)) ? "on" : "off";
  }

  /** The first instant after `wallMs` at which the answer changes; `undefined` when it never does. */
  nextEdge(wallMs: number): number | undefined {
    if (this.#spans.length === 0 || this.#alwaysOn()) return undefined;
    const now = this.expectedAt(wallMs);
    const segments = this.#zone.segments(wallMs - SETBACK_MAX_MS, wallMs + AHEAD_MS);
    for (const localMs of this.#boundariesFrom(this.#ratchetedLocalMs(wallMs))) {
      const instantMs = firstInstant(segments, localMs);
      if (instantMs === undefined) return undefined;
      if (instantMs > wallMs && this.expectedAt(instantMs) !== now) return instantMs;
    }
    return undefined;
  }

  /** Local time as ms since the epoch, by a clock that is never set back. */
  #ratchetedLocalMs(wallMs: number): number {
    let localMs = Number.NEGATIVE_INFINITY;
    for (const { toMs, offsetMs } of this.#zone.segments(wallMs - SETBACK_MAX_MS, wallMs)) {
      // The last millisecond before the change; the time of the change itself was not shown.
      localMs = Math.max(localMs, toMs === wallMs ? wallMs + offsetMs : toMs - 1 + offsetMs);
    }
    return localMs;
  }

  #isOn(localMs: number): boolean {
    const inWeek = modulo(localMs - MONDAY_MS, WEEK_MS);
    return this.#spans.some(({ from, to }) => from <= inWeek && inWeek < to);
  }

  #alwaysOn(): boolean {
    const [first] = this.#spans;
    return first?.from === 0 && first.to === WEEK_MS;
  }

  /** Local times after `localMs` at which the schedule may change, in order, up to `AHEAD_MS`. */
  *#boundariesFrom(localMs: number): Generator<number> {
    const times = [...new Set(this.#spans.flatMap(({ from, to }) => [from, to % WEEK_MS]))].sort((a, b) => a - b);
    const weekMs = localMs - modulo(localMs - MONDAY_MS, WEEK_MS);
    for (let week = weekMs; week < weekMs + AHEAD_MS; week += WEEK_MS) {
      for (const time of times) if (week + time > localMs) yield week + time;
    }
  }
}

/** The first instant at which a clock shows `localMs` or later. */
function firstInstant(segments: readonly Segment[], localMs: number): number | undefined {
  for (const { fromMs, toMs, offsetMs } of segments) {
    const instantMs = Math.max(fromMs, localMs - offsetMs);
    if (instantMs < toMs) return instantMs;
  }
  return undefined;
}

/** The union of the windows as spans of the local week, in order and disjoint. */
function spansOf(schedule: Schedule): readonly Span[] {
  const spans: Span[] = [];
  for (const { days, on, off } of schedule.weekly) {
    const onMs = timeOfDayMs(on);
    const offMs = timeOfDayMs(off);
    for (const day of days) {
      const from = WEEKDAYS.indexOf(day) * DAY_MS + onMs;
      // An end that is not after the beginning is on the next day; equal times make a whole day.
      const to = from - onMs + offMs + (offMs > onMs ? 0 : DAY_MS);
      if (from >= WEEK_MS) spans.push({ from: from - WEEK_MS, to: to - WEEK_MS });
      else if (to > WEEK_MS) spans.push({ from, to: WEEK_MS }, { from: 0, to: to - WEEK_MS });
      else spans.push({ from, to });
    }
  }
  return merged(spans);
}

function merged(spans: readonly Span[]): readonly Span[] {
  const union: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = union.at(-1);
    if (last !== undefined && span.from <= last.to) union[union.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    else union.push(span);
  }
  return union;
}

function timeOfDayMs(text: string): number {
  return (Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))) * MINUTE_MS;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
