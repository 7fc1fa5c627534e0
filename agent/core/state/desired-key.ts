import type { DesiredDocument } from "../../protocol/desired.ts";
import type { Comparison } from "../../../platform/ports/comparison.ts";
import type { Effect, Reading } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";

/** What the document currently wants for one key. */
export type Wanted =
  | {
      readonly kind: "value";
      readonly value: Json;
      /** Wall time at which the wanted value may change by itself (the next edge of the schedule). */
      readonly untilMs?: number;
      /** What the schedule that this value comes from says; absent: it is a value of the document itself. */
      readonly bySchedule?: "lit" | "dark";
    }
  /** The document manages the key, but its value cannot be determined now: it is left as it is. */
  | { readonly kind: "no-opinion"; readonly why: Issue }
  /** The value cannot be right on this device as it is now; nothing is tried until the document or the device changes. */
  | { readonly kind: "refused"; readonly error: Issue }
  /** The device lacks the hardware or the feature. */
  | { readonly kind: "unsupported"; readonly error: Issue };

/** Outcome of one attempt to apply a key. */
export type KeyOutcome =
  | { readonly kind: "effect"; readonly effect: Effect<Json> }
  /** Nothing was tried, because something else has to end first. Not a failure: tried again at the next check. */
  | { readonly kind: "pending"; readonly error?: Issue }
  /** Refused before or during the attempt; retrying the same value will not help. */
  | { readonly kind: "refused"; readonly error: Issue }
  | { readonly kind: "unsupported"; readonly error: Issue };

/**
 * One key of the desired document. Handlers are small and know nothing of versions, retries or reports.
 * Expected failures are values; what a handler throws is a bug, reported as `desired.bug` for its key alone.
 */
export interface DesiredKeyHandler {
  /** As in the report: `display.power`. */
  readonly key: string;
  /** Keys of one lane are reconciled one at a time; lanes do not wait for each other. */
  readonly lane: string;
  /** Longest time one `apply` or `observe` may take; absent: as long as it takes (a download). */
  readonly worstCaseMs?: number;
  /**
   * Present if every attempt disturbs the picture: longest delay before the next attempt after one that reached the hardware, instead of
   * 15 min, and how long the value has to hold until earlier failures are forgotten, instead of 5 min. A cable that comes back soon after an
   * attempt does not shorten the delay.
   */
  readonly disturbedRetryMaxMs?: number;
  /** Pure. `undefined`: the document does not manage this key. */
  wanted(document: DesiredDocument): Wanted | undefined;
  observe(signal: AbortSignal): Promise<Reading<Json>>;
  /** `signal` aborts when the wanted value changes or the agent stops. */
  apply(value: Json, signal: AbortSignal): Promise<KeyOutcome>;
  readonly compare: (wanted: Json, observed: Json) => Comparison;
  /**
   * Called at each check that finds the key as wanted or not managed by the document. Clears what a failed attempt left
   * behind, such as an alarm.
   */
  atRest?(): void;
  /** A remark beside `applied`, for example that nothing follows the schedule. */
  remark?(document: DesiredDocument): Issue | undefined;
}
