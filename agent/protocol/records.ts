import * as v from "valibot";
import {
  CodeSchema, CountSchema, DurationMsSchema, effectOf, IdSchema, IssueSchema, JsonObjectSchema, JsonSchema, PositiveSchema, TextSchema, WallMsSchema,
} from "./values.ts";

/**
 * Streams of events, by class. Each has its own rising sequence numbers. The order here is the
 * order in which a backlog is sent after a reconnect and the reverse of the order in which it is
 * given up when the disk is full.
 */
export const STREAMS = ["outcome", "alarm", "play", "event", "metric"] as const;
export const StreamSchema = v.picklist(STREAMS);
export type Stream = v.InferOutput<typeof StreamSchema>;

export function isStream(word: string): word is Stream {
  return (STREAMS as readonly string[]).includes(word);
}

/** Streams whose records are on disk, fsynced, before they are accepted. The others within a second. */
export const DURABLE_STREAMS: ReadonlySet<Stream> = new Set(["outcome", "alarm", "play"]);

/** Final state of a command. Terminal states never change. */
export const CommandFinalStateSchema = v.picklist(["succeeded", "failed", "rejected", "canceled", "expired", "timed-out"]);
export type CommandFinalState = v.InferOutput<typeof CommandFinalStateSchema>;

/** Stream `outcome`, kind `command`: the one outcome of one attempt. */
export const CommandOutcomeSchema = v.object({
  id: IdSchema,
  attempt: PositiveSchema,
  name: v.pipe(v.string(), v.maxLength(64)),
  state: CommandFinalStateSchema,
  /** Why, for every state but `succeeded`: `display.no-answer`, `outcome-unknown`, `command.params-invalid`, … */
  error: v.optional(IssueSchema),
  /** What became of the effect on hardware, where the command has one. */
  effect: v.optional(effectOf(JsonSchema)),
  /** The command's own result, by its schema. */
  result: v.optional(JsonObjectSchema),
  /** From start of the effect to its end; absent when it never started. */
  durationMs: v.optional(DurationMsSchema),
});
export type CommandOutcome = v.InferOutput<typeof CommandOutcomeSchema>;

export const SeveritySchema = v.picklist(["info", "warning", "error", "critical"]);

/** Stream `alarm`, kind `alarm`: a condition began or ended. */
export const AlarmSchema = v.object({
  /** The condition, e.g. `screen.dark`, `disk.full`, `storage.quarantined`. Same code for raised and cleared. */
  code: CodeSchema,
  /** Raised again while it is raised: it happened once more, and the newer message is the one to show. */
  state: v.picklist(["raised", "cleared"]),
  severity: SeveritySchema,
  message: TextSchema,
  /** Facts behind it. */
  evidence: v.optional(JsonObjectSchema),
});
export type Alarm = v.InferOutput<typeof AlarmSchema>;

/** Stream `play`, kind `play`: one item was played. */
export const PlaySchema = v.object({
  item: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  /** When it started, on the device's wall clock. */
  startedMs: WallMsSchema,
  durationMs: DurationMsSchema,
  result: v.picklist(["completed", "skipped", "failed"]),
  error: v.optional(TextSchema),
  /** The verdict over the screen as the play ended; `unknown` where the play was kept through an outage and nobody judged. */
  verdict: v.optional(v.string()),
  /** Whatever the page wants to have beside it. */
  data: v.optional(JsonObjectSchema),
});
export type Play = v.InferOutput<typeof PlaySchema>;

/** Stream `event`: kind is `page` (emitted by the page), `gpio`, `agent`, `player`, `network`, … */
export const EventSchema = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  data: v.optional(JsonObjectSchema),
});
export type Event = v.InferOutput<typeof EventSchema>;

/** One metric rolled up over the record's interval. */
export const RollupSchema = v.object({
  min: v.number(),
  mean: v.number(),
  max: v.number(),
  last: v.number(),
  /** How many samples; a metric that could not be read has no entry at all. */
  count: PositiveSchema,
});
export type Rollup = v.InferOutput<typeof RollupSchema>;

/** Stream `metric`, kind `telemetry`: rollups by metric name (`cpu.percent`, `memory.used-bytes`, …). */
export const TelemetrySchema = v.object({
  /** Length of the interval that ends at the record's time. */
  intervalMs: DurationMsSchema,
  metrics: v.record(v.string(), RollupSchema),
});
export type Telemetry = v.InferOutput<typeof TelemetrySchema>;

/** Any stream, kind `gap`: records that were accepted or offered and will never come. */
export const GapSchema = v.object({
  /** The stream that lost them. */
  stream: StreamSchema,
  reason: v.picklist(["quota", "rate", "corrupt", "rejected", "disk-error"]),
  count: PositiveSchema,
  /** First and last sequence number lost, where they had one (a record dropped by rate never got one). */
  from: v.optional(PositiveSchema),
  to: v.optional(PositiveSchema),
  /** Who was limited, for `rate`. */
  source: v.optional(v.pipe(v.string(), v.maxLength(64))),
});
export type Gap = v.InferOutput<typeof GapSchema>;

/** One record as it travels. Its boot and log are in the frame around it. */
export const RecordSchema = v.object({
  seq: PositiveSchema,
  kind: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/)),
  /** Wall time in ms, corrected by the device when its clock became known later in the same boot. */
  wall: WallMsSchema,
  /** Monotonic ms within the boot. */
  mono: v.pipe(v.number(), v.minValue(0)),
  body: JsonObjectSchema,
});
export type WireRecord = v.InferOutput<typeof RecordSchema>;

/** Range of one stream on the device, in `hello`. `oldest` > `newest` means nothing is waiting. */
export const StreamRangeSchema = v.object({ stored: CountSchema, oldest: CountSchema, newest: CountSchema });

/** Schema of a record's body by stream and kind; a cloud may keep bodies of kinds it does not know. */
export const RECORD_BODIES: Readonly<Record<string, v.GenericSchema>> = {
  "outcome/command": CommandOutcomeSchema,
  "alarm/alarm": AlarmSchema,
  "play/play": PlaySchema,
  "event/*": EventSchema,
  "metric/telemetry": TelemetrySchema,
  "*/gap": GapSchema,
};
