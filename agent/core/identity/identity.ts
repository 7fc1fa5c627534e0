import type { Crypto } from "../../../platform/ports/crypto.ts";
import { fromBase64Url, toHex } from "../../../platform/runtime/encoding.ts";

const FINGERPRINT_BYTES = 16;
const PUBLIC_KEY_BYTES = 32;

/** Fingerprint of a raw public key: the first 16 bytes of its SHA-256 as 32 hex digits. */
export async function fingerprintOf(crypto: Crypto, publicKey: Uint8Array): Promise<string> {
  return toHex((await crypto.sha256(publicKey)).slice(0, FINGERPRINT_BYTES));
}

/** The device id is the fingerprint of the device's key. */
export const deviceIdOf = fingerprintOf;

/** Decodes a 32-byte raw public key from base64url; `undefined` when it is not one. */
export function publicKeyOf(text: string): Uint8Array | undefined {
  const bytes = fromBase64Url(text);
  return bytes?.length === PUBLIC_KEY_BYTES ? bytes : undefined;
}
