import { keyFromSeed, nodeCrypto } from "../../../../platform/linux/node-crypto.ts";
import { toBase64Url } from "../../../../platform/runtime/encoding.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import type { Owner } from "../../../protocol/cloud-messages.ts";
import { ownerKeyPayload, signedBytes, type Signed, type SignedPurpose } from "../../../protocol/signed.ts";
import { fingerprintOf } from "../identity.ts";

/** An owner with a real command key, derived from its name. */
export interface TestOwner {
  readonly commandKey: string;
  readonly fingerprint: string;
  claimed(over?: { name?: string; endorsement?: { by: string; signature: string } }): Extract<Owner, { kind: "claimed" }>;
  sign(purpose: SignedPurpose, payload: object): Promise<Signed>;
  endorse(device: string, other: { readonly commandKey: string }): Promise<{ by: string; signature: string }>;
}

export async function testOwner(name: string): Promise<TestOwner> {
  const key = keyFromSeed(new SeededRandom(`owner ${name}`).bytes(32));
  const commandKey = toBase64Url(key.publicKey);
  const fingerprint = await fingerprintOf(nodeCrypto, key.publicKey);
  return {
    commandKey,
    fingerprint,
    claimed: (over = {}) => ({ kind: "claimed", name, commandKey, ...over }),
    sign: async (purpose, payload) => {
      const text = JSON.stringify(payload);
      return { payload: text, key: fingerprint, signature: toBase64Url(await key.sign(signedBytes(purpose, text))) };
    },
    endorse: async (device, other) => {
      return { by: fingerprint, signature: toBase64Url(await key.sign(signedBytes("owner-key", ownerKeyPayload(device, other.commandKey)))) };
    },
  };
}
