import * as v from "valibot";
import { ErrorSchema } from "./device-messages.ts";
import { SignedSchema } from "./signed.ts";
import {
  base64UrlOf, CodeSchema, CountSchema, DurationMsSchema, FingerprintSchema, HttpUrlSchema, IdSchema, PositiveSchema, PublicKeySchema, SignatureSchema, TextSchema,
  WallMsSchema, WordSchema,
} from "./values.ts";

/** Messages from the cloud to the device. `t` names the type. */

/** First message of a session: a fresh nonce for the device to sign. */
export const ChallengeSchema = v.object({
  t: v.literal("challenge"),
  /** Protocol versions the server speaks. */
  versions: v.pipe(v.array(PositiveSchema), v.minLength(1), v.maxLength(16)),
  nonce: base64UrlOf(32),
});

/** Kinds of owner that this version knows. */
const OWNER_KINDS: readonly string[] = ["unclaimed", "claimed"];
export const OwnerSchema = v.variant("kind", [
  v.object({ kind: v.literal("unclaimed") }),
  v.object({
    kind: v.literal("claimed"),
    /** Human-readable name. */
    name: TextSchema,
    /** Raw Ed25519 public key that signs commands and desired state. */
    commandKey: PublicKeySchema,
    /** Present when the device holds another key: that key's signature over `ownerKeyPayload(device, commandKey)`. */
    endorsement: v.optional(v.object({ by: FingerprintSchema, signature: SignatureSchema })),
  }),
  /** A kind from a newer version; changes nothing. */
  v.object({ kind: v.pipe(WordSchema, v.check((word) => !OWNER_KINDS.includes(word)), v.transform(() => "unknown" as const)) }),
]);
export type Owner = v.InferOutput<typeof OwnerSchema>;

/** Limits for the device on this link. Absent: the protocol's own limit. */
export const LimitsSchema = v.object({
  frameBytesMax: v.optional(v.pipe(PositiveSchema, v.minValue(4096))),
  /** Records per frame. */
  batchRecordsMax: v.optional(PositiveSchema),
  /** Records sent but not yet acknowledged, over all streams. */
  windowRecords: v.optional(PositiveSchema),
  /** Average bytes per second for the backlog. */
  bytesPerSecond: v.optional(v.pipe(PositiveSchema, v.minValue(1024))),
  pingIntervalMs: v.optional(v.pipe(DurationMsSchema, v.minValue(5_000), v.maxValue(300_000))),
});
export type Limits = v.InferOutput<typeof LimitsSchema>;

const StoredSchema = v.partial(v.object({ outcome: CountSchema, alarm: CountSchema, play: CountSchema, event: CountSchema, metric: CountSchema }));

/** The hello was accepted: the session begins. */
export const WelcomeSchema = v.object({
  t: v.literal("welcome"),
  session: IdSchema,
  serverMs: WallMsSchema,
  owner: OwnerSchema,
  /** Highest sequence number stored per stream, for the log the hello named. */
  stored: StoredSchema,
  /** The cloud's version of the desired document; the document follows when it is newer than the device's. */
  desiredVersion: CountSchema,
  /** The cloud's version of the reported document; the device sends the whole document when it cannot patch this version. */
  reportedVersion: CountSchema,
  /** What the cloud lacks. */
  wants: v.array(WordSchema),
  limits: LimitsSchema,
});
export type Welcome = v.InferOutput<typeof WelcomeSchema>;

/** The hello was rejected. The socket closes; the device reconnects on its slow schedule. */
export const RefusedSchema = v.object({
  t: v.literal("refused"),
  /** `refused.signature`, `refused.audience`, `refused.version`, `refused.blocked`, `refused.busy`, … */
  code: CodeSchema,
  message: TextSchema,
  retryAfterMs: v.optional(DurationMsSchema),
});

/** The server is going away. The device closes the session, waits `retryAfterMs` (plus its own jitter), and reconnects. */
export const GoAwaySchema = v.object({
  t: v.literal("goaway"),
  reason: TextSchema,
  retryAfterMs: v.optional(DurationMsSchema),
  /** For the next connection only. A permanent move is a signed desired document. */
  endpoint: v.optional(v.pipe(v.string(), v.maxLength(2048))),
});

/** A code for the screen with which a person claims the device. Sent while it is unclaimed, and again before the code expires. */
export const PairingSchema = v.object({
  t: v.literal("pairing"),
  code: v.pipe(v.string(), v.regex(/^[A-Z0-9]{4,12}$/)),
  expiresInMs: DurationMsSchema,
  /** Address to open for the claim; shown as a QR code. */
  claimUrl: HttpUrlSchema,
});

/** Ownership changed during the session (claimed, or a new command key). A release is signed. */
export const OwnerMessageSchema = v.object({ t: v.literal("owner"), owner: OwnerSchema, release: v.optional(SignedSchema) });

export const CommandSchema = v.object({ t: v.literal("command"), signed: SignedSchema });
export const CancelSchema = v.object({ t: v.literal("cancel"), signed: SignedSchema });
export const DesiredSchema = v.object({ t: v.literal("desired"), signed: SignedSchema });

/** Acknowledgement: the records up to and including these numbers are stored permanently. Only this frees space on the device. */
export const StoredMessageSchema = v.object({
  t: v.literal("stored"),
  log: IdSchema,
  streams: StoredSchema,
  /** Records that the cloud will never accept: the device drops and counts them and reports a gap. */
  rejected: v.optional(v.pipe(v.array(v.object({ stream: WordSchema, seq: PositiveSchema, code: CodeSchema, message: TextSchema })), v.maxLength(100))),
});

/** Answer to `reported` with the cloud's current version. If it differs from the one sent, the device sends the whole document. */
export const ReportedAckSchema = v.object({ t: v.literal("reported-ack"), version: CountSchema });

/** Asks the device to send something again. */
export const FetchSchema = v.object({ t: v.literal("fetch"), wants: v.array(WordSchema) });

/**
 * Address for an upload. The device PUTs ranges (`Content-Range: bytes a-b/total`), may ask with HEAD how many bytes
 * arrived (`Upload-Offset`), and is done at 200 or 201.
 */
export const UploadGrantSchema = v.object({
  t: v.literal("upload-grant"),
  id: IdSchema,
  url: HttpUrlSchema,
  headers: v.optional(v.record(v.string(), v.string())),
  /** Human-readable name under which the cloud stores it. */
  name: v.string(),
  expiresInMs: DurationMsSchema,
});
export const UploadRefusedSchema = v.object({ t: v.literal("upload-refused"), id: IdSchema, code: CodeSchema, message: TextSchema });

/** New limits during a session; absent fields keep their value. */
export const LimitsMessageSchema = v.object({ t: v.literal("limits"), limits: LimitsSchema });

export const PongSchema = v.object({ t: v.literal("pong"), serverMs: v.optional(WallMsSchema) });

export const CloudMessageSchema = v.variant("t", [
  ChallengeSchema, WelcomeSchema, RefusedSchema, GoAwaySchema, PairingSchema, OwnerMessageSchema, CommandSchema, CancelSchema, DesiredSchema,
  StoredMessageSchema, ReportedAckSchema, FetchSchema, UploadGrantSchema, UploadRefusedSchema, LimitsMessageSchema, PongSchema, ErrorSchema,
]);
export type CloudMessage = v.InferOutput<typeof CloudMessageSchema>;
export type CloudMessageOf<T extends CloudMessage["t"]> = Extract<CloudMessage, { t: T }>;
