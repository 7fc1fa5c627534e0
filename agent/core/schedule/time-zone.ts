import type { ZoneTable } from "../../../platform/ports/host.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";

/** A period with one offset from UTC: `fromMs` (inclusive) to `toMs` (exclusive), both UTC. */
export interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  /** Local time minus UTC. */
  readonly offsetMs: number;
}

/** Interval at which offsets are sampled; no zone ever changed twice in so short a time. */
const SAMPLE_MS = 6 * 3_600_000;

/** Cached zones. Opening a zone costs more than querying it. */
const OPENED_MAX = 8;

/**
 * An IANA time zone, from the machine's own list; after its end, or without one, from the JavaScript engine's tables (`Intl`, which costs
 * 8 MiB once it is used). Everything is derived from one question, "what does a clock there show at this instant", so that this code has
 * no daylight-saving rules that could be wrong.
 */
export class TimeZone {
  static readonly #opened = new Map<string, TimeZone>();
  readonly name: string;
  readonly #table: ZoneTable | undefined;
  #format: Intl.DateTimeFormat | undefined;

  private constructor(name: string, table: ZoneTable | undefined, format?: Intl.DateTimeFormat) {
    this.name = name;
    this.#table = table;
    this.#format = format;
  }

  /** Fails with `schedule.unknown-time-zone`. */
  static open(name: string, table?: ZoneTable): Result<TimeZone> {
    if (table !== undefined) return ok(new TimeZone(name, table));
    const opened = TimeZone.#opened.get(name);
    if (opened !== undefined) return ok(opened);
    try {
      const zone = new TimeZone(name, undefined, formatOf(name));
      if (TimeZone.#opened.size >= OPENED_MAX) TimeZone.#opened.clear();
      TimeZone.#opened.set(name, zone);
      return ok(zone);
    } catch (thrown) {
      // The constructor throws a RangeError for an unknown zone.
      if (!(thrown instanceof RangeError)) throw thrown;
      return fail("schedule.unknown-time-zone", `this machine does not know the time zone ${name}`, "use an IANA name such as Europe/Madrid");
    }
  }

  /** Local time minus UTC at an instant, in ms. */
  offsetMs(utcMs: number): number {
    const listedMs = this.#table?.offsetMs(utcMs);
    if (listedMs !== undefined) return listedMs;
    this.#format ??= formatOf(this.name);
    const fields = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    let beforeChrist = false;
    for (const { type, value } of this.#format.formatToParts(utcMs)) {
      if (type === "era") beforeChrist = value.startsWith("B");
      else if (Object.prototype.hasOwnProperty.call(fields, type)) fields[type as keyof typeof fields] = Number(value);
    }
    const year = beforeChrist ? 1 - fields.year : fields.year;
    const local = new Date(Date.UTC(2000, fields.month - 1, fields.day, fields.hour, fields.minute, fields.second));
    local.setUTCFullYear(year, fields.month - 1, fields.day);
    return local.getTime() - Math.floor(utcMs / 1000) * 1000;
  }

  /** The offsets from `fromMs` to `toMs`, in order, one segment per offset. */
  segments(fromMs: number, toMs: number): readonly Segment[] {
    const segments: Segment[] = [];
    let startMs = fromMs;
    let offsetMs = this.offsetMs(fromMs);
    for (let at = fromMs; at < toMs; ) {
      const next = Math.min(at + SAMPLE_MS, toMs);
      const then = this.offsetMs(next);
      if (then !== offsetMs) {
        const changeMs = this.#changeBetween(at, next, offsetMs);
        segments.push({ fromMs: startMs, toMs: changeMs, offsetMs });
        startMs = changeMs;
        offsetMs = then;
      }
      at = next;
    }
    segments.push({ fromMs: startMs, toMs, offsetMs });
    return segments;
  }

  /** First millisecond after `lowMs` at which the offset is no longer `offsetMs`. */
  #changeBetween(lowMs: number, highMs: number, offsetMs: number): number {
    let low = lowMs;
    let high = highMs;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetMs(middle) === offsetMs) low = middle;
      else high = middle;
    }
    return high;
  }
}

function formatOf(name: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
}
