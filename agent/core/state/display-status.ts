import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Display } from "../../../platform/ports/display.ts";
import { statusOf, type DisplayStatus } from "../../../platform/ports/display-properties.ts";
import { failed } from "../../../platform/ports/reading.ts";
import { SharedReading } from "./shared-reading.ts";

/** A look waits for what is on the bus before it: a command's conversation and another look. */
const QUEUE_DEPTH = 3;

/** The display's status as everybody shares it. A display whose driver hangs has failed, it is not absent. */
export function sharedDisplayStatus(display: Display, time: { readonly clock: Clock; readonly timers: Timers }): SharedReading<DisplayStatus> {
  const hung = failed({ code: "display.timeout", message: "the display's driver does not come back" });
  const whenHung = (): DisplayStatus => statusOf(() => hung);
  return new SharedReading(time, { name: "display.status", read: () => display.status(), deadlineMs: display.worstCaseMs() * QUEUE_DEPTH, whenHung });
}
