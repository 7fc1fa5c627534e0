import * as v from "valibot";
import { CountSchema, Sha256Schema, TextSchema } from "../values.ts";
import { defineCommand, DAY_MS, HOUR_MS, MINUTE_MS } from "./definition.ts";

export const collectLogs = defineCommand({
  name: "logs.collect",
  summary: "Uploads the recent logs of the agent and the player.",
  wall: "Nothing.",
  proof: "The upload's hash was accepted by the cloud.",
  params: v.strictObject({ bytesMax: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1024), v.maxValue(64 * 1024 * 1024), v.description("Default: 4194304."))) }),
  result: v.object({ bytes: CountSchema, sha256: Sha256Schema, upload: v.string() }),
  lane: "support",
  expectedMs: 2_000,
  timeoutMs: 5 * MINUTE_MS,
  stepTimeoutMs: MINUTE_MS,
  ttlMs: HOUR_MS,
  ttlMaxMs: DAY_MS,
  idempotent: true,
  afterCrash: "run-again",
});

export const telemetryBurst = defineCommand({
  name: "telemetry.burst",
  summary: "Samples and sends telemetry more often for some minutes.",
  wall: "Nothing.",
  proof: "The faster schedule is in force.",
  params: v.strictObject({
    minutes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(60)),
    intervalMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1_000), v.maxValue(60_000), v.description("Default: 5000."))),
  }),
  result: v.object({ untilMs: CountSchema }),
  lane: "support",
  expectedMs: 10,
  timeoutMs: 5_000,
  ttlMs: 5 * MINUTE_MS,
  ttlMaxMs: HOUR_MS,
  idempotent: true,
  afterCrash: "run-again",
});

export const runDiagnostics = defineCommand({
  name: "diagnostics.run",
  summary: "Runs the checks of `vitrine doctor` and returns them.",
  wall: "Nothing.",
  proof: "Every check ended with an answer.",
  params: v.strictObject({}),
  result: v.object({
    checks: v.array(v.object({ name: v.string(), status: v.picklist(["ok", "warning", "failed", "unsupported"]), message: TextSchema, todo: v.optional(TextSchema) })),
  }),
  lane: "support",
  expectedMs: 3_000,
  timeoutMs: MINUTE_MS,
  ttlMs: 10 * MINUTE_MS,
  ttlMaxMs: DAY_MS,
  idempotent: true,
  afterCrash: "run-again",
});
