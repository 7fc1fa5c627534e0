import * as v from "valibot";
import { LocalTimeSchema, TimeZoneSchema } from "./values.ts";

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** Weekly on and off times in local time. A window whose `off` is not after its `on` ends on the next day. */
export const ScheduleSchema = v.strictObject({
  /** IANA time zone. */
  timeZone: TimeZoneSchema,
  /** The screen is on in the union of these windows and off elsewhere. Empty: always off. */
  weekly: v.pipe(
    v.array(v.strictObject({ days: v.pipe(v.array(v.picklist(WEEKDAYS)), v.minLength(1), v.maxLength(7)), on: LocalTimeSchema, off: LocalTimeSchema })),
    v.maxLength(100),
  ),
});
export type Schedule = v.InferOutput<typeof ScheduleSchema>;
