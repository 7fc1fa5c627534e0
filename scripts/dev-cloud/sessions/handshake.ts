import type { Hello } from "../../../agent/protocol/device-messages.ts";
import { helloBytes } from "../../../agent/protocol/signed.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { fromBase64Url, toHex } from "../../../platform/runtime/encoding.ts";
import { isOwnAudience } from "./audience.ts";

/** First 16 bytes of the SHA-256 of a raw public key, as 32 hex digits. Serves as device id and key fingerprint. */
export async function fingerprintOf(publicKey: Uint8Array, crypto: Crypto): Promise<string> {
  return toHex((await crypto.sha256(publicKey)).subarray(0, 16));
}

/**
 * Verifies that a hello comes from the device it names, for this cloud and this challenge. Codes: `refused.identity`
 * (the id is not the key's fingerprint), `refused.audience` (meant for another server: a relay), `refused.signature`.
 */
export async function verifyHello(
  hello: Hello,
  nonce: string,
  audiences: readonly string[],
  crypto: Crypto,
): Promise<Result<void>> {
  const publicKey = fromBase64Url(hello.publicKey);
  const signature = fromBase64Url(hello.signature);
  if (publicKey === undefined || signature === undefined) return fail("refused.signature", "key or signature is not base64url");
  if ((await fingerprintOf(publicKey, crypto)) !== hello.deviceId) {
    return fail("refused.identity", "the device id is not the fingerprint of the public key");
  }
  if (!isOwnAudience(hello.audience, audiences)) {
    return fail(
      "refused.audience",
      `the hello is meant for ${hello.audience.slice(0, 200)}, which is not this server`,
      `this server is ${audiences.join(", ")}`,
    );
  }
  const { deviceId, audience, bootId, epoch } = hello;
  const valid = await crypto.verifyEd25519(publicKey, helloBytes({ nonce, deviceId, audience, bootId, epoch }), signature);
  return valid ? ok(undefined) : fail("refused.signature", "the signature over the hello is not valid");
}
