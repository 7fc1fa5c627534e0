import * as v from "valibot";
import { defineCommand, HOUR_MS, MINUTE_MS } from "./definition.ts";

const common = { lane: "gpio", needs: "gpio", ttlMs: MINUTE_MS, ttlMaxMs: HOUR_MS } as const;

/** A line by name (`GPIO17`) or by offset. */
const LineSchema = v.union([v.pipe(v.string(), v.minLength(1), v.maxLength(64)), v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1023))]);
const LevelSchema = v.picklist([0, 1]);

export const gpioWrite = defineCommand({
  ...common,
  name: "gpio.write",
  summary: "Drives a line active (1) or inactive (0): high or low, unless `gpio.lines` says that it is active when low.",
  wall: "Depends on what is wired to the line.",
  proof: "The line had the requested level when read back.",
  params: v.strictObject({ line: LineSchema, level: LevelSchema }),
  result: v.object({ level: LevelSchema }),
  expectedMs: 50,
  timeoutMs: 5_000,
  idempotent: true,
  afterCrash: "ask",
});

export const gpioPulse = defineCommand({
  ...common,
  name: "gpio.pulse",
  summary: "Drives a line to a level for a time, then back.",
  wall: "Depends on what is wired to the line.",
  proof: "The measured length of the pulse.",
  params: v.strictObject({ line: LineSchema, level: v.optional(v.pipe(LevelSchema, v.description("Default: 1."))), durationMs: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(60_000)) }),
  result: v.object({ measuredMs: v.number() }),
  expectedMs: 500,
  timeoutMs: 70_000,
  idempotent: false,
  afterCrash: "ask",
});

export const gpioRead = defineCommand({
  ...common,
  name: "gpio.read",
  summary: "Reads a line.",
  wall: "Nothing.",
  proof: "The level read.",
  params: v.strictObject({ line: LineSchema }),
  result: v.object({ level: LevelSchema }),
  expectedMs: 50,
  timeoutMs: 5_000,
  idempotent: true,
  afterCrash: "run-again",
});
