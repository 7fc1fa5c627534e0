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

/** Whose device it is, as the cloud sees it. */
const OWNER_KINDS: readonly string[] = ["unclaimed", "claimed"];
export const OwnerSchema = v.variant("kind", [
  v.object({ kind: v.literal("unclaimed") }),
  v.object({
    kind: v.literal("claimed"),
    /** Name for people. */
    name: TextSchema,
    /** Raw Ed25519 public key that signs commands and desired state. */
    commandKey: PublicKeySchema,
    /** Where the device holds another key: that key's signature over `ownerKeyPayload(device, commandKey)`. */
    endorsement: v.optional(v.object({ by: FingerprintSchema, signature: SignatureSchema })),
  }),
  /** A word of a newer version, which changes nothing. */
  v.object({ kind: v.pipe(WordSchema, v.check((word) => !OWNER_KINDS.includes(word)), v.transform(() => "unknown" as const)) }),
]);
export type Owner = v.InferOutput<typeof OwnerSchema>;

/** What the device may do on this link. Absent means the protocol's own limit. */
export const LimitsSchema = v.object({
  frameBytesMax: v.optional(v.pipe(PositiveSchema, v.minValue(4096))),
  /** Records per frame. */
  batchRecordsMax: v.optional(PositiveSchema),
  /** Records sent and not yet stored, over all streams. */
  windowRecords: v.optional(PositiveSchema),
  /** Average bytes a second the backlog may use. */
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
  /** Version of the desired document the cloud has; it follows when it is higher than the device's. */
  desiredVersion: CountSchema,
  /** Version of the reported document the cloud has; the device sends the whole when it cannot patch upon it. */
  reportedVersion: CountSchema,
  /** What the cloud lacks. */
  wants: v.array(WordSchema),
  limits: LimitsSchema,
});
export type Welcome = v.InferOutput<typeof WelcomeSchema>;

/** The hello was not accepted. The socket closes; the device comes back on its slow schedule. */
export const RefusedSchema = v.object({
  t: v.literal("refused"),
  /** `refused.signature`, `refused.audience`, `refused.version`, `refused.blocked`, `refused.busy`, … */
  code: CodeSchema,
  message: TextSchema,
  retryAfterMs: v.optional(DurationMsSchema),
});

/** The server goes away. The device closes, waits `retryAfterMs` (with its own jitter), and comes back. */
export const GoAwaySchema = v.object({
  t: v.literal("goaway"),
  reason: TextSchema,
  retryAfterMs: v.optional(DurationMsSchema),
  /** For the next connection only. A lasting move is a signed desired document. */
  endpoint: v.optional(v.pipe(v.string(), v.maxLength(2048))),
});

/** A code for the screen, by which a person claims the device. Sent while it is unclaimed, again before it expires. */
export const PairingSchema = v.object({
  t: v.literal("pairing"),
  code: v.pipe(v.string(), v.regex(/^[A-Z0-9]{4,12}$/)),
  expiresInMs: DurationMsSchema,
  /** Where a person goes; the QR code holds it. */
  claimUrl: HttpUrlSchema,
});

/** Ownership changed during the session (claimed, or a new command key). A release is signed. */
export const OwnerMessageSchema = v.object({ t: v.literal("owner"), owner: OwnerSchema, release: v.optional(SignedSchema) });

export const CommandSchema = v.object({ t: v.literal("command"), signed: SignedSchema });
export const CancelSchema = v.object({ t: v.literal("cancel"), signed: SignedSchema });
export const DesiredSchema = v.object({ t: v.literal("desired"), signed: SignedSchema });

/** Stored for good, up to and including these numbers. Only this frees space on the device. */
export const StoredMessageSchema = v.object({
  t: v.literal("stored"),
  log: IdSchema,
  streams: StoredSchema,
  /** Records the cloud will never take: the device drops, counts and names them. */
  rejected: v.optional(v.pipe(v.array(v.object({ stream: WordSchema, seq: PositiveSchema, code: CodeSchema, message: TextSchema })), v.maxLength(100))),
});

/** Answer to `reported`: `version` is what the cloud has now. Another than sent: send the whole document. */
export const ReportedAckSchema = v.object({ t: v.literal("reported-ack"), version: CountSchema });

/** Asks for something again. */
export const FetchSchema = v.object({ t: v.literal("fetch"), wants: v.array(WordSchema) });

/**
 * Where to send an upload. The device PUTs ranges (`Content-Range: bytes a-b/total`), may ask with
 * HEAD how much is there (`Upload-Offset`), and is done at 200 or 201.
 */
export const UploadGrantSchema = v.object({
  t: v.literal("upload-grant"),
  id: IdSchema,
  url: HttpUrlSchema,
  headers: v.optional(v.record(v.string(), v.string())),
  /** Name under which the cloud keeps it, for people. */
  name: v.string(),
  expiresInMs: DurationMsSchema,
});
export const UploadRefusedSchema = v.object({ t: v.literal("upload-refused"), id: IdSchema, code: CodeSchema, message: TextSchema });

/** New limits in the middle of a session; absent fields stay as they are. */
export const LimitsMessageSchema = v.object({ t: v.literal("limits"), limits: LimitsSchema });

export const PongSchema = v.object({ t: v.literal("pong"), serverMs: v.optional(WallMsSchema) });

export const CloudMessageSchema = v.variant("t", [
  ChallengeSchema, WelcomeSchema, RefusedSchema, GoAwaySchema, PairingSchema, OwnerMessageSchema, CommandSchema, CancelSchema, DesiredSchema,
  StoredMessageSchema, ReportedAckSchema, FetchSchema, UploadGrantSchema, UploadRefusedSchema, LimitsMessageSchema, PongSchema, ErrorSchema,
]);
export type CloudMessage = v.InferOutput<typeof CloudMessageSchema>;
export type CloudMessageOf<T extends CloudMessage["t"]> = Extract<CloudMessage, { t: T }>;
