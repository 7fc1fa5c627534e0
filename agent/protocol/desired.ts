import * as v from "valibot";
import { DISPLAYS_MAX } from "../../platform/ports/display.ts";
import { ContentSchema } from "./content.ts";
import { DisplayNameSchema, DisplayWishSchema } from "./display-values.ts";
import { NetworkSchema } from "./network-settings.ts";
import { RulesSchema } from "./rules.ts";
import { ScheduleSchema } from "./schedule.ts";
import { UploadHostsSchema } from "./upload-address.ts";
import { EndpointSchema, FingerprintSchema, IssueSchema, JsonObjectSchema, JsonSchema, PercentSchema, PositiveSchema, TimeZoneSchema, WallMsSchema } from "./values.ts";
import type { Code } from "../../platform/ports/codes.ts";

export const TELEMETRY_METRICS = ["cpu", "load", "memory", "disk", "temperature", "network", "uptime", "clock", "supply", "pressure", "storage", "player"] as const;
/** Sampling interval of a metric: 1 s to 1 day. */
const IntervalMsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1000), v.maxValue(86_400_000));

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/**
 * The desired state of the device. Level-triggered: the document is compared with the device repeatedly, key by key. An
 * absent key is not managed. An unknown key is answered with `unsupported` and does not affect the others; an invalid
 * value of a known key refuses the whole document.
 */
export const DesiredDocumentSchema = v.looseObject({
  content: v.optional(ContentSchema),
  /** Power `schedule` follows the document's `schedule`; `on` and `standby` ignore it. */
  display: v.optional(DisplayWishSchema),
  /** The displays other than the first (`display`), by name. */
  displays: v.optional(v.pipe(v.record(DisplayNameSchema, DisplayWishSchema), v.maxEntries(DISPLAYS_MAX))),
  audio: v.optional(v.strictObject({ volume: v.optional(PercentSchema), mute: v.optional(v.boolean()) })),
  schedule: v.optional(ScheduleSchema),
  /** What inputs of the device do there, without the cloud. */
  rules: v.optional(RulesSchema),
  telemetry: v.optional(
    v.strictObject({
      /** Sampling interval per metric. */
      intervalsMs: v.optional(v.strictObject(Object.fromEntries(TELEMETRY_METRICS.map((metric) => [metric, v.optional(IntervalMsSchema)])) as Record<(typeof TELEMETRY_METRICS)[number], v.OptionalSchema<typeof IntervalMsSchema, undefined>>)),
      /** Length of one rollup record, 10 s to 1 day. */
      rollupMs: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(10_000), v.maxValue(86_400_000))),
    }),
  ),
  /** The machine's time zone. A schedule has its own. */
  clock: v.optional(v.strictObject({ timeZone: v.optional(TimeZoneSchema) })),
  log: v.optional(v.strictObject({ level: v.picklist(LOG_LEVELS) })),
  cloud: v.optional(
    v.strictObject({
      endpoints: v.optional(v.pipe(v.array(EndpointSchema), v.minLength(1), v.maxLength(8))),
      /** Allowed upload hosts besides the link's own. */
      uploadHosts: v.optional(UploadHostsSchema),
    }),
  ),
  network: v.optional(NetworkSchema),
  /** Configuration for the customer's page; its meaning is up to the customer. */
  player: v.optional(v.strictObject({ config: v.optional(JsonObjectSchema) })),
});
export type DesiredDocument = v.InferOutput<typeof DesiredDocumentSchema>;

/** Payload of a signed desired document. */
export const DesiredPayloadSchema = v.object({
  device: FingerprintSchema,
  /** Only increases. A version lower than the applied one is never applied and is answered with `desired.version-went-back`. */
  version: PositiveSchema,
  issuedMs: WallMsSchema,
  document: DesiredDocumentSchema,
});
export type DesiredPayload = v.InferOutput<typeof DesiredPayloadSchema>;

/** Result for one key of the document (`content`, `display.power`, `audio.volume`, `schedule`, …). */
export const DesiredKeyResultSchema = v.object({
  status: v.picklist(["applied", "pending", "refused", "unsupported", "failed"]),
  error: v.optional(IssueSchema),
  /** The current value, if it can be observed. */
  observed: v.optional(JsonSchema),
  /** How often the device drifted from this key and was corrected since it was applied. */
  drifts: v.optional(v.number()),
});
export type DesiredKeyResult = v.InferOutput<typeof DesiredKeyResultSchema>;
/** A result made by this agent: its codes are in the code table. */
export type OwnKeyResult = DesiredKeyResult & { readonly error?: { readonly code: Code } };

/** The `desired` part of the reported document. */
export const DesiredReportSchema = v.object({
  /** Version of the document in force; 0: none yet. */
  version: v.number(),
  keys: v.record(v.string(), DesiredKeyResultSchema),
  /** The last document that was refused as a whole, until a newer one is accepted. */
  refused: v.optional(v.object({ version: v.number(), error: IssueSchema })),
});
export type DesiredReport = v.InferOutput<typeof DesiredReportSchema>;
