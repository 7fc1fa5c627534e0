import * as v from "valibot";
import { DISPLAYS_MAX } from "../../platform/ports/display.ts";
import { DisplayNameSchema, DisplayWishSchema } from "./display-values.ts";
import { NetworkSchema } from "./network-settings.ts";
import { UploadHostsSchema } from "./upload-address.ts";
import { EndpointSchema, FingerprintSchema, HttpUrlSchema, IssueSchema, JsonObjectSchema, JsonSchema, LocalTimeSchema, OriginSchema, PercentSchema, PositiveSchema, Sha256Schema, TimeZoneSchema, WallMsSchema } from "./values.ts";
import type { Code } from "../../platform/ports/codes.ts";

/** A customer's player: an address, or a package that plays from disk with no network. */
export const ContentSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("url"),
    url: HttpUrlSchema,
    /** Name for people. */
    name: v.optional(v.pipe(v.string(), v.maxLength(128))),
    /**
     * Origins besides the address's own that are this content too: where it may be redirected to or go by itself, and where it
     * has the page API and its grants. Without them it stays on its own, and a sign-in elsewhere is refused.
     */
    origins: v.optional(v.pipe(v.array(OriginSchema), v.maxLength(16))),
    /** What the page may use besides the plain page API; a package asks for it in its manifest. */
    grants: v.optional(v.pipe(v.array(v.picklist(["gpio"])), v.maxLength(8))),
  }),
  v.strictObject({
    kind: v.literal("package"),
    /** Where the zip is fetched from. */
    url: HttpUrlSchema,
    sha256: Sha256Schema,
    bytes: v.pipe(PositiveSchema, v.maxValue(4 * 1024 ** 3)),
    name: v.optional(v.pipe(v.string(), v.maxLength(128))),
  }),
]);
export type Content = v.InferOutput<typeof ContentSchema>;

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** Weekly on and off times by local time. A window whose `off` is not after its `on` ends on the next day. */
export const ScheduleSchema = v.strictObject({
  /** IANA zone the times are in. */
  timeZone: TimeZoneSchema,
  /** The screen is on in the union of these windows and off elsewhere. Empty: always off. */
  weekly: v.pipe(
    v.array(v.strictObject({ days: v.pipe(v.array(v.picklist(WEEKDAYS)), v.minLength(1), v.maxLength(7)), on: LocalTimeSchema, off: LocalTimeSchema })),
    v.maxLength(100),
  ),
});
export type Schedule = v.InferOutput<typeof ScheduleSchema>;

export const TELEMETRY_METRICS = ["cpu", "load", "memory", "disk", "temperature", "network", "uptime", "player"] as const;
/** How often a metric is sampled: 1 s to 1 day. */
const IntervalMsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1000), v.maxValue(86_400_000));

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/**
 * What the cloud wants the device to be. Level-triggered: the whole document is compared with the
 * device again and again, key by key. An absent key is not managed. A key this agent does not know is
 * answered `unsupported` and does not stop the others; a wrong value in a known key refuses the document.
 */
export const DesiredDocumentSchema = v.looseObject({
  content: v.optional(ContentSchema),
  /** Power `schedule` follows `schedule`; `on` and `standby` hold regardless of it. */
  display: v.optional(DisplayWishSchema),
  /** By name, the displays besides the first, which is `display`. */
  displays: v.optional(v.pipe(v.record(DisplayNameSchema, DisplayWishSchema), v.maxEntries(DISPLAYS_MAX))),
  audio: v.optional(v.strictObject({ volume: v.optional(PercentSchema), mute: v.optional(v.boolean()) })),
  schedule: v.optional(ScheduleSchema),
  telemetry: v.optional(
    v.strictObject({
      /** Sampling interval per metric. */
      intervalsMs: v.optional(v.strictObject(Object.fromEntries(TELEMETRY_METRICS.map((metric) => [metric, v.optional(IntervalMsSchema)])) as Record<(typeof TELEMETRY_METRICS)[number], v.OptionalSchema<typeof IntervalMsSchema, undefined>>)),
      /** Length of one rollup record, 10 s to 1 day. */
      rollupMs: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(10_000), v.maxValue(86_400_000))),
    }),
  ),
  log: v.optional(v.strictObject({ level: v.picklist(LOG_LEVELS) })),
  cloud: v.optional(
    v.strictObject({
      endpoints: v.optional(v.pipe(v.array(EndpointSchema), v.minLength(1), v.maxLength(8))),
      /** Hosts that uploads may go to besides the link's own. */
      uploadHosts: v.optional(UploadHostsSchema),
    }),
  ),
  network: v.optional(NetworkSchema),
  /** Configuration handed to the customer's page; meaning is the customer's own. */
  player: v.optional(v.strictObject({ config: v.optional(JsonObjectSchema) })),
});
export type DesiredDocument = v.InferOutput<typeof DesiredDocumentSchema>;

/** Payload of a signed desired document. */
export const DesiredPayloadSchema = v.object({
  device: FingerprintSchema,
  /** Only rises. Lower than applied: answered `desired.version-went-back`, never applied. */
  version: PositiveSchema,
  issuedMs: WallMsSchema,
  document: DesiredDocumentSchema,
});
export type DesiredPayload = v.InferOutput<typeof DesiredPayloadSchema>;

/** Answer to one key of the document (`content`, `display.power`, `audio.volume`, `schedule`, …). */
export const DesiredKeyResultSchema = v.object({
  status: v.picklist(["applied", "pending", "refused", "unsupported", "failed"]),
  error: v.optional(IssueSchema),
  /** What is so now, where it can be seen. */
  observed: v.optional(JsonSchema),
  /** How often the world drifted from this key and was put back since it was applied. */
  drifts: v.optional(v.number()),
});
export type DesiredKeyResult = v.InferOutput<typeof DesiredKeyResultSchema>;
/** The same where this agent makes it: its codes are of the table. */
export type OwnKeyResult = DesiredKeyResult & { readonly error?: { readonly code: Code } };

/** The `desired` part of the reported document. */
export const DesiredReportSchema = v.object({
  /** Version of the document in force; 0: none yet. */
  version: v.number(),
  keys: v.record(v.string(), DesiredKeyResultSchema),
  /** The last document that was refused whole, until a newer one is accepted. */
  refused: v.optional(v.object({ version: v.number(), error: IssueSchema })),
});
export type DesiredReport = v.InferOutput<typeof DesiredReportSchema>;
