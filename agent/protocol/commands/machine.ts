import * as v from "valibot";
import { defineCommand, DAY_MS, HOUR_MS, MINUTE_MS } from "./definition.ts";

const ReasonSchema = v.optional(v.pipe(v.string(), v.maxLength(200), v.description("Shown in the device's log.")));

export const reboot = defineCommand({
  name: "reboot",
  summary: "Restarts the machine.",
  wall: "The picture goes dark, then the boot screen, then the content returns.",
  proof: "The machine's boot id changed.",
  params: v.strictObject({ reason: ReasonSchema }),
  result: v.object({ bootIdBefore: v.string(), bootIdAfter: v.string() }),
  lane: "machine",
  needs: "power.reboot",
  expectedMs: 60_000,
  timeoutMs: 10 * MINUTE_MS,
  ttlMs: 10 * MINUTE_MS,
  ttlMaxMs: DAY_MS,
  idempotent: false,
  afterCrash: "ask",
});

export const shutdown = defineCommand({
  name: "shutdown",
  summary: "Shuts the machine down. Somebody has to switch it on again.",
  wall: "The picture goes dark and stays dark.",
  proof: "The machine accepted the request; the outcome is sent when it is switched on again, with a changed boot id.",
  params: v.strictObject({ reason: ReasonSchema }),
  result: v.object({ bootIdBefore: v.string(), bootIdAfter: v.string() }),
  lane: "machine",
  needs: "power.shutdown",
  expectedMs: 30_000,
  timeoutMs: 5 * MINUTE_MS,
  ttlMs: 5 * MINUTE_MS,
  ttlMaxMs: HOUR_MS,
  idempotent: false,
  afterCrash: "ask",
});
