import * as v from "valibot";
import { defineCommand, DAY_MS, HOUR_MS } from "./definition.ts";

export const endOverrides = defineCommand({
  name: "overrides.end",
  summary: "Ends what was set by hand (by a command, at the display's remote control, by pressing for a rule): schedule, rules and desired state count again.",
  wall: "The display may light up or go dark, as schedule, rules and desired state want it.",
  proof: "The overrides of `ended` are gone; those of `kept` hold on, because neither schedule, rules nor desired state manage these keys.",
  params: v.strictObject({ key: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.description("A key of the desired document, such as `display.power`; absent: all."))) }),
  result: v.object({
    ended: v.array(v.string()),
    kept: v.pipe(v.array(v.string()), v.description("Keys that stay as they were set, because nothing else decides about them.")),
  }),
  lane: "machine",
  expectedMs: 50,
  timeoutMs: 5_000,
  ttlMs: HOUR_MS,
  ttlMaxMs: DAY_MS,
  idempotent: true,
  afterCrash: "ask",
});
