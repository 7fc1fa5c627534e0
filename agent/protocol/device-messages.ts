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

/** Second message of a session, the answer to `challenge`: the device's proven identity and its state. */
export const HelloSchema = v.object({
  t: v.literal("hello"),
  version: v.literal(1),
  deviceId: FingerprintSchema,
  publicKey: PublicKeySchema,
  /** Ed25519 over `helloBytes`. */
  signature: SignatureSchema,
  /** Origin the device connected to; the server refuses any but its own. */
  audience: v.pipe(v.string(), v.maxLength(512)),
  bootId: BootIdSchema,
  /** Increases with every session and is kept on disk, so that a late disconnect of an old session cannot mark a new one offline. */
  epoch: CountSchema,
  agent: v.object({ version: v.string(), platform: v.string(), name: v.optional(TextSchema) }),
  clock: v.object({ wallMs: WallMsSchema, quality: ClockQualitySchema }),
  /** Id of the outbox file. Sequence numbers are unique within it; a new file has a new id. */
  log: IdSchema,
  streams: v.object(Object.fromEntries(STREAMS.map((stream) => [stream, StreamRangeSchema])) as Record<(typeof STREAMS)[number], typeof StreamRangeSchema>),
  /** Version of the desired document in force; 0: none. */
  desiredVersion: CountSchema,
  reportedVersion: CountSchema,
  /** SHA-256 of the profile (see `profile`); the cloud requests the profile if its own differs. */
  profileHash: Sha256Schema,
  openCommands: v.pipe(v.array(OpenCommandSchema), v.maxLength(256)),
  /** Fingerprint of the owner's command key that the device holds. Absent: unclaimed. */
  owner: v.optional(FingerprintSchema),
  /** Highest number of the owner's commands, cancels and releases that the device knows; the owner continues above it. */
  numberHigh: v.optional(CountSchema),
  /** From a provisioning file; claims the device without a person. */
  claimToken: v.optional(v.pipe(v.string(), v.maxLength(256))),
});
export type Hello = v.InferOutput<typeof HelloSchema>;

/** Identity and capabilities of the device. Sent when the welcome asks for it and when it changes. */
export const ProfileSchema = v.object({
  t: v.literal("profile"),
  hash: Sha256Schema,
  /** Available capabilities (see commands); anything absent is unsupported. */
  capabilities: v.array(v.string()),
  commands: v.array(v.string()),
  /** Inputs, orientations, GPIO lines and other choices for forms. */
  choices: JsonObjectSchema,
  /** Facts about the machine, each a `Reading`. */
  inventory: JsonObjectSchema,
  evidence: v.array(v.string()),
});

/** Reported state: the whole document, or a merge patch (RFC 7396) on `base`. */
export const ReportedSchema = v.object({
  t: v.literal("reported"),
  version: PositiveSchema,
  /** Absent: `document` is complete. Present: `document` is a patch on this version. */
  base: v.optional(PositiveSchema),
  /** See `ReportedDocumentSchema`. Not parsed with it here, because a patch's `null`s mean deletion and must be kept. */
  document: JsonObjectSchema,
});

/** The device has the command on disk (or already knew it). */
export const CommandAckSchema = v.object({
  t: v.literal("command-ack"),
  id: IdSchema,
  attempt: PositiveSchema,
  state: v.union([v.picklist(["delivered", "running"]), CommandFinalStateSchema]),
});

/** Progress of a running command. May get lost; only the outcome record counts. */
export const CommandProgressSchema = v.object({
  t: v.literal("command-progress"),
  id: IdSchema,
  attempt: PositiveSchema,
  state: v.literal("running"),
  step: v.optional(TextSchema),
  percent: v.optional(PercentSchema),
});

/** A batch of one stream and one boot, in rising order, without holes except those named by a gap record. */
export const RecordsSchema = v.object({
  t: v.literal("records"),
  stream: StreamSchema,
  log: IdSchema,
  boot: BootIdSchema,
  /** Quality of these records' `wall` times. */
  clock: ClockQualitySchema,
  /** Recorded before this session began; a dashboard must not show it as news. */
  replay: v.optional(v.boolean()),
  records: v.pipe(v.array(RecordSchema), v.minLength(1)),
});

/** Requests an address for an upload. Answered by `upload-grant` or `upload-refused`. */
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

/** Sent when the device has sent nothing for the ping interval. Answered by `pong`. */
export const PingSchema = v.object({ t: v.literal("ping") });

/** A message from the peer could not be used. Never ends the session. */
export const ErrorSchema = v.object({
  t: v.literal("error"),
  code: CodeSchema,
  message: TextSchema,
  hint: v.optional(TextSchema),
  /** Type or id of the message in question. */
  about: v.optional(v.pipe(v.string(), v.maxLength(128))),
});

/** The device closes the session on purpose; until the next hello its absence is not a failure. */
export const ByeSchema = v.object({
  t: v.literal("bye"),
  reason: v.picklist(["stopping", "rebooting", "shutting-down", "moving", "reconnecting"]),
});

export const DeviceMessageSchema = v.variant("t", [
  HelloSchema, ProfileSchema, ReportedSchema, CommandAckSchema, CommandProgressSchema, RecordsSchema, UploadRequestSchema, PingSchema, ErrorSchema, ByeSchema,
]);
export type DeviceMessage = v.InferOutput<typeof DeviceMessageSchema>;
export type DeviceMessageOf<T extends DeviceMessage["t"]> = Extract<DeviceMessage, { t: T }>;
