import * as v from "valibot";
import { utf8 } from "../../platform/runtime/encoding.ts";
import { FingerprintSchema, SignatureSchema } from "./values.ts";

/**
 * Data signed by the owner. `payload` is the exact JSON text that was signed: no canonical form is needed, and a field
 * added later cannot break old signatures.
 */
export const SignedSchema = v.object({
  /** JSON text of the payload. */
  payload: v.pipe(v.string(), v.maxLength(64 * 1024)),
  /** Fingerprint of the owner's command key. */
  key: FingerprintSchema,
  /** Ed25519 over `signedBytes(purpose, payload)`. */
  signature: SignatureSchema,
});
export type Signed = v.InferOutput<typeof SignedSchema>;

/** Purpose of a signature. It is part of the signed bytes, so that a signature cannot be used for another purpose. */
export type SignedPurpose = "command" | "cancel" | "desired" | "owner-key" | "release" | "software";

/** The bytes that an owner signs, or for `software` the vendor: `vitrine/1/<purpose>`, a line feed, the payload text. */
export function signedBytes(purpose: SignedPurpose, payload: string): Uint8Array {
  return utf8(`vitrine/1/${purpose}\n${payload}`);
}

/** The facts a device signs to prove its identity. */
export interface HelloTranscript {
  /** The server's nonce, base64url, as received. */
  readonly nonce: string;
  readonly deviceId: string;
  /** Origin the device connected to, e.g. `wss://cloud.example:443`; a relay's origin differs. */
  readonly audience: string;
  readonly bootId: string;
  readonly epoch: number;
}

/** The bytes a device signs in its hello: the fields in fixed order, one per line. None may contain a line feed. */
export function helloBytes(hello: HelloTranscript): Uint8Array {
  return utf8(["vitrine/1/hello", hello.nonce, hello.deviceId, hello.audience, hello.bootId, String(hello.epoch)].join("\n"));
}

/** Payload text of an owner-key endorsement: the old command key vouches for the new one, for one device. */
export function ownerKeyPayload(deviceId: string, newPublicKey: string): string {
  return JSON.stringify({ device: deviceId, publicKey: newPublicKey });
}
