/**
 * Time as an argument. Wall time can jump by years in either direction; monotonic time only rises
 * and starts anywhere. Durations, time-outs and expiry use monotonic time; wall time is for people
 * and for schedules by local time.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, as the machine believes at this moment. May be wrong. */
  wallMs(): number;
  /** Milliseconds on a clock that never goes back and does not jump. Only differences mean anything. */
  monotonicMs(): number;
}

/** A pending timer. Canceling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Named timers on the monotonic clock: a change of wall time neither fires one early nor makes
 * several fire at once. Names show up in diagnostics.
 */
export interface Timers {
  /** Runs `fire` once after `delayMs` (0 to 2^31-1; longer is refused with a RangeError). */
  after(name: string, delayMs: number, fire: () => void): Timer;
  /** Names and due times (monotonic) of what is pending, soonest first. */
  pending(): readonly { readonly name: string; readonly dueMs: number }[];
}

/** How far the wall clock can be trusted. Only the host's clock service knows. */
export type ClockQuality =
  /** Never set since boot, or implausible (before this software was built). */
  | "unset"
  /** Set from a battery clock or a saved value; not confirmed over the network since boot. */
  | "local"
  /** Confirmed over the network (NTP) since boot. */
  | "synced";
