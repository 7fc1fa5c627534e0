import { signedBytes, type Signed, type SignedPurpose } from "../../protocol/signed.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { fromBase64Url } from "../../../platform/runtime/encoding.ts";
import { publicKeyOf } from "./identity.ts";
import type { Ownership } from "./ownership.ts";

/** Returns the payload's text if the device's owner signed it for this purpose. */
export type VerifySigned = (signed: Signed, purpose: SignedPurpose) => Promise<Result<string>>;

/** Errors: `owner.unclaimed`, `signature.wrong-key`, `signature.invalid`. */
export function signatureVerifier(ownership: Pick<Ownership, "owner">, crypto: Crypto): VerifySigned {
  return async (signed, purpose) => {
    const owner = ownership.owner();
    if (owner === undefined) return fail("owner.unclaimed", "the device has no owner yet, so nobody may command it");
    if (signed.key !== owner.fingerprint) {
      return fail("signature.wrong-key", `signed with key ${signed.key}; the owner's is ${owner.fingerprint}`);
    }
    const key = publicKeyOf(owner.commandKey);
    const signature = fromBase64Url(signed.signature);
    const valid = key !== undefined && signature !== undefined && (await crypto.verifyEd25519(key, signedBytes(purpose, signed.payload), signature));
    return valid ? ok(signed.payload) : fail("signature.invalid", `the signature does not match this payload as a ${purpose}`);
  };
}
