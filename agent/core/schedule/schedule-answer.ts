import type { Issue } from "../../../platform/ports/result.ts";

/** What a schedule says now. `nextMs`: wall time at which this changes; absent: never. */
export type ScheduleAnswer =
  | { readonly kind: "on"; readonly nextMs?: number }
  | { readonly kind: "off"; readonly nextMs?: number }
  /** The clock was never set, so the time is unknown and everything stays as it is. */
  | { readonly kind: "no-opinion"; readonly why: Issue }
  /** `schedule.unknown-time-zone`: this machine does not know the zone. */
  | { readonly kind: "refused"; readonly error: Issue };
