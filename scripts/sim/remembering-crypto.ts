import { nodeCrypto } from "../../platform/linux/node-crypto.ts";
import type { Crypto, DeviceKey } from "../../platform/ports/crypto.ts";
import type { OwnerKey, OwnerSigner } from "../dev-cloud/sessions/owner-signer.ts";

/** Signatures remembered at once; one is asked about within moments of its making, or seldom. */
const REMEMBERED_MAX = 4_096;

/**
 * Real Ed25519, except that a signature made in this simulation is known to be valid for the key and the message it was made
 * with: checking it again takes longer than everything else a command costs. Anything else, a changed byte included, is verified.
 */
export class RememberingCrypto implements Crypto {
  readonly #made = new Map<string, { readonly publicKey: Uint8Array; readonly message: Uint8Array }>();

  sha256(data: Uint8Array): Promise<Uint8Array> {
    return nodeCrypto.sha256(data);
  }

  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const made = this.#made.get(nameOf(signature));
    if (made !== undefined && Buffer.compare(made.publicKey, publicKey) === 0 && Buffer.compare(made.message, message) === 0) return Promise.resolve(true);
    return nodeCrypto.verifyEd25519(publicKey, message, signature);
  }

  remembering(key: DeviceKey): DeviceKey {
    return { publicKey: key.publicKey, sign: (message) => this.#sign(key.publicKey, message, (bytes) => key.sign(bytes)) };
  }

  /** The same for an owner, whose key is known to the cloud as text. */
  rememberingOwner(signer: OwnerSigner): OwnerSigner {
    const wrapped = (key: OwnerKey): OwnerKey => ({ ...key, sign: (message) => this.#sign(Buffer.from(key.publicKey, "base64url"), message, (bytes) => key.sign(bytes)) });
    return {
      name: signer.name,
      current: () => wrapped(signer.current()),
      find: (fingerprint) => {
        const key = signer.find(fingerprint);
        return key === undefined ? undefined : wrapped(key);
      },
      rotate: async () => wrapped(await signer.rotate()),
    };
  }

  async #sign(publicKey: Uint8Array, message: Uint8Array, sign: (message: Uint8Array) => Promise<Uint8Array>): Promise<Uint8Array> {
    const signature = await sign(message);
    if (this.#made.size >= REMEMBERED_MAX) this.#made.clear();
    // A copy: what the caller does to its bytes afterwards was not signed.
    this.#made.set(nameOf(signature), { publicKey, message: message.slice() });
    return signature;
  }
}

function nameOf(signature: Uint8Array): string {
  return Buffer.from(signature.buffer, signature.byteOffset, signature.byteLength).toString("latin1");
}
