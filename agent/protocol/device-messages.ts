import * as v from "valibot";
import { CommandFinalStateSchema, RecordSchema, STREAMS, StreamRangeSchema, StreamSchema } from "./records.ts";
import {
  ClockQualitySchema, CodeSchema, CountSchema, FingerprintSchema, IdSchema, JsonObjectSchema, PercentSchema, PositiveSchema, PublicKeySchema,
  Sha256Schema, SignatureSchema, TextSchema, WallMsSchema,
} from "./values.ts";

/** Messages from the device to the cloud. `t` names the type. */

const BootIdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,64}$/));

/** A command the device has not finished, in `hello`. */
const OpenCommandSchema = v.object({ id: IdSchema, attempt: PositiveSchema, state: v.picklist(["delivered", "running"]) });

/** Second message of a session, answer to `challenge`: who the device is, proved, and where it stands. */
export const HelloSchema = v.object({
  t: v.literal("hello"),
  version: v.literal(1),
  deviceId: FingerprintSchema,
  publicKey: PublicKeySchema,
  /** Ed25519 over `helloBytes`. */
  signature: SignatureSchema,
  /** Origin the device dialed; the server refuses one that is not its own. */
  audience: v.pipe(v.string(), v.maxLength(512)),
  bootId: BootIdSchema,
  /** Rises with every session of this device, on disk: a late "gone" of an old session cannot mark a new one offline. */
  epoch: CountSchema,
  agent: v.object({ version: v.string(), platform: v.string(), name: v.optional(TextSchema) }),
  clock: v.object({ wallMs: WallMsSchema, quality: ClockQualitySchema }),
  /** Identity of the outbox file. Sequence numbers are unique within it; a new file has a new id. */
  log: IdSchema,
  streams: v.object(Object.fromEntries(STREAMS.map((stream) => [stream, StreamRangeSchema])) as Record<(typeof STREAMS)[number], typeof StreamRangeSchema>),
  /** Version of the desired document in force; 0: none. */
  desiredVersion: CountSchema,
  reportedVersion: CountSchema,
  /** SHA-256 of the profile (see `profile`); the cloud asks for it when it has another. */
  profileHash: Sha256Schema,
  openCommands: v.pipe(v.array(OpenCommandSchema), v.maxLength(256)),
  /** Fingerprint of the owner's command key the device holds. Absent: unclaimed. */
  owner: v.optional(FingerprintSchema),
  /** Highest number of the owner's commands, cancels and releases that the device knows; the owner goes on above it. */
  numberHigh: v.optional(CountSchema),
  /** From a provisioning file: claims the device without a person. */
  claimToken: v.optional(v.pipe(v.string(), v.maxLength(256))),
});
export type Hello = v.InferOutput<typeof HelloSchema>;

/** What the device is and can do. Sent when the welcome asks for it and when it changes. */
export const ProfileSchema = v.object({
  t: v.literal("profile"),
  hash: Sha256Schema,
  /** Capability names (see commands) that are there; what is absent is unsupported. */
  capabilities: v.array(v.string()),
  commands: v.array(v.string()),
  /** Inputs, orientations, GPIO lines and other choices a form can offer. */
  choices: JsonObjectSchema,
  /** Facts of the machine; each is a `Reading`. */
  inventory: JsonObjectSchema,
  evidence: v.array(v.string()),
});

/** Reported state: the whole document, or a merge patch (RFC 7396) upon `base`. */
export const ReportedSchema = v.object({
  t: v.literal("reported"),
  version: PositiveSchema,
  /** Absent: `document` is whole. Present: `document` is a patch upon this version. */
  base: v.optional(PositiveSchema),
  /** As `ReportedDocumentSchema` describes it. Not parsed by it here: a patch's `null`s delete, and must not be stripped. */
  document: JsonObjectSchema,
});

/** The device has the command on disk (or already knew it). */
export const CommandAckSchema = v.object({
  t: v.literal("command-ack"),
  id: IdSchema,
  attempt: PositiveSchema,
  state: v.union([v.picklist(["delivered", "running"]), CommandFinalStateSchema]),
});

/** Progress of a running command. May be lost; only the outcome record counts. */
export const CommandProgressSchema = v.object({
  t: v.literal("command-progress"),
  id: IdSchema,
  attempt: PositiveSchema,
  state: v.literal("running"),
  step: v.optional(TextSchema),
  percent: v.optional(PercentSchema),
});

/** A batch of one stream, of one boot, in rising order without holes except those a gap record names. */
export const RecordsSchema = v.object({
  t: v.literal("records"),
  stream: StreamSchema,
  log: IdSchema,
  boot: BootIdSchema,
  /** Trust in `wall` of these records. */
  clock: ClockQualitySchema,
  /** Stored before this session began; a dashboard must not show it as news. */
  replay: v.optional(v.boolean()),
  records: v.pipe(v.array(RecordSchema), v.minLength(1)),
});

/** Asks for an address to send something big to. Answered by `upload-grant` or `upload-refused`. */
export const UploadRequestSchema = v.object({
  t: v.literal("upload-request"),
  id: IdSchema,
  purpose: v.picklist(["screenshot", "logs", "support-bundle"]),
  contentType: v.pipe(v.string(), v.maxLength(128)),
  bytes: PositiveSchema,
  sha256: Sha256Schema,
  /** The command it belongs to. */
  command: v.optional(v.object({ id: IdSchema, attempt: PositiveSchema })),
});

/** Nothing was sent for the ping interval. Answered by `pong`. */
export const PingSchema = v.object({ t: v.literal("ping") });

/** Something the other side sent could not be used. Never ends the session by itself. */
export const ErrorSchema = v.object({
  t: v.literal("error"),
  code: CodeSchema,
  message: TextSchema,
  hint: v.optional(TextSchema),
  /** Type or id of the message it is about. */
  about: v.optional(v.pipe(v.string(), v.maxLength(128))),
});

/** The device closes the session on purpose; `link` states until the next hello are not a failure. */
export const ByeSchema = v.object({
  t: v.literal("bye"),
  reason: v.picklist(["stopping", "rebooting", "shutting-down", "moving", "reconnecting"]),
});

export const DeviceMessageSchema = v.variant("t", [
  HelloSchema, ProfileSchema, ReportedSchema, CommandAckSchema, CommandProgressSchema, RecordsSchema, UploadRequestSchema, PingSchema, ErrorSchema, ByeSchema,
]);
export type DeviceMessage = v.InferOutput<typeof DeviceMessageSchema>;
export type DeviceMessageOf<T extends DeviceMessage["t"]> = Extract<DeviceMessage, { t: T }>;
