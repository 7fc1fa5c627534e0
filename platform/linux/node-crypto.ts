import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import type { Crypto, DeviceKey } from "../ports/crypto.ts";
import type { Random } from "../ports/random.ts";

/** Raw Ed25519 public keys and private seeds are both this long (RFC 8032, section 5.1.5). */
export const ED25519_KEY_BYTES = 32;
/** RFC 8032, section 5.1.6. */
export const ED25519_SIGNATURE_BYTES = 64;

/** RFC 8410, section 7: the fixed PKCS #8 wrapping before an Ed25519 seed. */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);
/** RFC 8410, section 4: the fixed SubjectPublicKeyInfo wrapping before an Ed25519 public key. */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/**
 * The primitives over node:crypto. They compute before they return and only the answer is a promise: a few
 * microseconds, and a simulation stays deterministic because no thread pool is involved.
 */
export const nodeCrypto: Crypto = {
  sha256: (data) => Promise.resolve(new Uint8Array(createHash("sha256").update(data).digest())),
  verifyEd25519: (publicKey, message, signature) => Promise.resolve(verifyNow(publicKey, message, signature)),
};

function verifyNow(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== ED25519_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) return false;
  try {
    return verify(null, message, verifierOf(publicKey), signature);
  } catch {
    // OpenSSL refuses 32 bytes that are no point on the curve. That is bad input, and the answer is "not valid".
    return false;
  }
}

/** Keys that verified lately, ready for use: a device is commanded by one or two, and making one costs as much as a verification. */
const VERIFIERS_MAX = 16;
const verifiers = new Map<string, KeyObject>();

function verifierOf(raw: Uint8Array): KeyObject {
  const name = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("latin1");
  const known = verifiers.get(name);
  if (known !== undefined) return known;
  const made = publicKeyFromRaw(raw);
  if (verifiers.size >= VERIFIERS_MAX) verifiers.clear();
  verifiers.set(name, made);
  return made;
}

/** The KeyObject of a raw public key. Throws when there are not 32 bytes. */
export function publicKeyFromRaw(raw: Uint8Array): KeyObject {
  if (raw.length !== ED25519_KEY_BYTES) throw new RangeError(`an Ed25519 public key has ${ED25519_KEY_BYTES} bytes, not ${raw.length}`);
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
}

/** The raw 32 bytes of an Ed25519 public key, or of a private key's public half. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType !== "ed25519") throw new TypeError(`expected an Ed25519 key, got ${key.asymmetricKeyType ?? key.type}`);
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const der = publicKey.export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(der.length - ED25519_KEY_BYTES));
}

/** A fresh private seed. It is the whole secret: store it with mode 0600 or not at all. */
export function newSeed(random: Random): Uint8Array {
  return random.bytes(ED25519_KEY_BYTES);
}

/** A key that signs, from its 32-byte private seed. Throws when there are not 32 bytes. */
export function keyFromSeed(seed: Uint8Array): DeviceKey {
  if (seed.length !== ED25519_KEY_BYTES) throw new RangeError(`an Ed25519 seed has ${ED25519_KEY_BYTES} bytes, not ${seed.length}`);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicKey = rawPublicKey(privateKey);
  return {
    publicKey,
    sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, privateKey))),
  };
}
