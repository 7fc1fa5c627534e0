/**
 * Injected time source. Wall time can jump by years in either direction; monotonic time only increases
 * and has an arbitrary origin. Durations, timeouts and expiry use monotonic time; wall time is for display
 * and for schedules in local time.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch according to the machine. May be wrong. */
  wallMs(): number;
  /** Milliseconds on a clock that never goes back and never jumps. Only differences are meaningful. */
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
  /** Runs `fire` once after `delayMs` (0 to 2^31-1; larger values throw a RangeError). */
  after(name: string, delayMs: number, fire: () => void): Timer;
  /** Names and due times (monotonic) of the pending timers, soonest first. */
  pending(): readonly { readonly name: string; readonly dueMs: number }[];
}

/** How far the wall clock can be trusted, as reported by the host's clock service. */
export type ClockQuality =
  /** Not set since boot, or implausible (earlier than the build of this software). */
  | "unset"
  /** Set from a battery clock or a saved value; not confirmed over the network since boot. */
  | "local"
  /** Confirmed over the network (NTP) since boot. */
  | "synced";
