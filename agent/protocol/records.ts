import * as v from "valibot";
import { CEC_KEY_NAMES } from "../../platform/ports/cec-keys.ts";
import {
  CodeSchema, CountSchema, DurationMsSchema, effectOf, IdSchema, IssueSchema, JsonObjectSchema, JsonSchema, PositiveSchema, TextSchema, WallMsSchema,
} from "./values.ts";

/**
 * Streams of records. Each has its own rising sequence numbers. Listed in the order in which a backlog is sent after a
 * reconnect, which is the reverse of the order in which records are dropped on a full disk.
 */
export const STREAMS = ["outcome", "alarm", "play", "event", "metric"] as const;
export const StreamSchema = v.picklist(STREAMS);
export type Stream = v.InferOutput<typeof StreamSchema>;

export function isStream(word: string): word is Stream {
  return (STREAMS as readonly string[]).includes(word);
}

/** Streams whose records are synced to disk before they are accepted. The others follow within a second. */
export const DURABLE_STREAMS: ReadonlySet<Stream> = new Set(["outcome", "alarm", "play"]);

/** Final states of a command; they never change. */
export const CommandFinalStateSchema = v.picklist(["succeeded", "failed", "rejected", "canceled", "expired", "timed-out"]);
export type CommandFinalState = v.InferOutput<typeof CommandFinalStateSchema>;

/** Stream `outcome`, kind `command`: the one outcome of one attempt. */
export const CommandOutcomeSchema = v.object({
  id: IdSchema,
  attempt: PositiveSchema,
  name: v.pipe(v.string(), v.maxLength(64)),
  state: CommandFinalStateSchema,
  /** Reason for every state except `succeeded`: `display.no-answer`, `outcome-unknown`, `command.params-invalid`, … */
  error: v.optional(IssueSchema),
  /** Effect on the hardware, if the command has one. */
  effect: v.optional(effectOf(JsonSchema)),
  /** The command's result, by its own schema. */
  result: v.optional(JsonObjectSchema),
  /** From the start of the effect to its end; absent if it never started. */
  durationMs: v.optional(DurationMsSchema),
});
export type CommandOutcome = v.InferOutput<typeof CommandOutcomeSchema>;

export const SeveritySchema = v.picklist(["info", "warning", "error", "critical"]);

/** Stream `alarm`, kind `alarm`: a condition started or ended. */
export const AlarmSchema = v.object({
  /** The condition, e.g. `screen.dark`, `disk.full`, `storage.quarantined`. The same code when raised and when cleared. */
  code: CodeSchema,
  /** Raised again while already raised: it happened again; show the newer message. */
  state: v.picklist(["raised", "cleared"]),
  severity: SeveritySchema,
  message: TextSchema,
  /** Supporting facts. */
  evidence: v.optional(JsonObjectSchema),
});
export type Alarm = v.InferOutput<typeof AlarmSchema>;

/** Stream `play`, kind `play`: one item was played. */
export const PlaySchema = v.object({
  item: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  /** Start time, device wall clock. */
  startedMs: WallMsSchema,
  durationMs: DurationMsSchema,
  result: v.picklist(["completed", "skipped", "failed"]),
  error: v.optional(TextSchema),
  /** Verdict on the screen at the end of the play; `unknown` if the play was recorded during an outage and nobody judged. */
  verdict: v.optional(v.string()),
  /** Additional data from the page. */
  data: v.optional(JsonObjectSchema),
});

/** Stream `event`: kind is `page` (emitted by the page), `gpio`, `cec`, `agent`, `player`, `network`, … */
export const EventSchema = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  data: v.optional(JsonObjectSchema),
});

const CecOutputSchema = v.optional(v.pipe(v.string(), v.maxLength(64), v.description("The output whose bus it came from, if the driver says which.")));

/** Stream `event`, kind `cec`: a TV or another device said something on HDMI-CEC. */
export const CecEventSchema = v.variant("name", [
  v.object({
    name: v.pipe(v.literal("key"), v.description("Somebody pressed a key of the TV's remote; once for a held key.")),
    data: v.object({
      code: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255), v.description("CEC table 30.")),
      key: v.optional(v.pipe(v.picklist(CEC_KEY_NAMES), v.description("Its name, if it has one."))),
      output: CecOutputSchema,
    }),
  }),
  v.object({ name: v.pipe(v.literal("standby"), v.description("The TV goes to standby.")), data: v.object({ output: CecOutputSchema }) }),
  v.object({
    name: v.pipe(v.literal("source"), v.description("Another source is shown or asked to show itself; not repeated for the same one.")),
    data: v.object({ address: v.pipe(v.string(), v.regex(/^\d+(?:\.\d+){3}$/), v.description("Its physical address; `0.0.0.0` is the TV itself.")), output: CecOutputSchema }),
  }),
  v.object({
    name: v.pipe(v.literal("power"), v.description("The TV says unasked what its power state is.")),
    data: v.object({ power: v.picklist(["on", "standby", "turning-on", "turning-off"]), output: CecOutputSchema }),
  }),
]);

/** Rollup of one metric over the record's interval. */
export const RollupSchema = v.object({
  min: v.number(),
  mean: v.number(),
  max: v.number(),
  last: v.number(),
  /** Number of samples; a metric that could not be read has no entry. */
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

/** Any stream, kind `gap`: records that were accepted or offered and will never arrive. */
export const GapSchema = v.object({
  /** The stream that lost them. */
  stream: StreamSchema,
  reason: v.picklist(["quota", "rate", "corrupt", "rejected", "disk-error"]),
  count: PositiveSchema,
  /** First and last lost sequence number, if they had any (a record dropped by the rate limit has none). */
  from: v.optional(PositiveSchema),
  to: v.optional(PositiveSchema),
  /** For `rate`: the source that was limited. */
  source: v.optional(v.pipe(v.string(), v.maxLength(64))),
});
export type Gap = v.InferOutput<typeof GapSchema>;

/** One record on the wire. Its boot and log are in the enclosing frame. */
export const RecordSchema = v.object({
  seq: PositiveSchema,
  kind: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/)),
  /** Wall time in ms; corrected if the clock was synchronised later in the same boot. */
  wall: WallMsSchema,
  /** Monotonic ms within the boot. */
  mono: v.pipe(v.number(), v.minValue(0)),
  body: JsonObjectSchema,
});
export type WireRecord = v.InferOutput<typeof RecordSchema>;

/** Range of one stream on the device, in `hello`. `oldest` > `newest`: nothing is waiting. */
export const StreamRangeSchema = v.object({ stored: CountSchema, oldest: CountSchema, newest: CountSchema });

/** Schemas of record bodies by stream and kind. A cloud may store bodies of kinds it does not know. */
export const RECORD_BODIES: Readonly<Record<string, v.GenericSchema>> = {
  "outcome/command": CommandOutcomeSchema,
  "alarm/alarm": AlarmSchema,
  "play/play": PlaySchema,
  "event/cec": CecEventSchema,
  "event/*": EventSchema,
  "metric/telemetry": TelemetrySchema,
  "*/gap": GapSchema,
};
