/** The cryptographic primitives the core needs. Keys are raw bytes: Ed25519 public keys have 32, signatures 64. */
export interface Crypto {
  sha256(data: Uint8Array): Promise<Uint8Array>;
  /** True only when `signature` is a valid Ed25519 signature of `message` by `publicKey`. Never throws on bad input. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** The device's own key. The private half never leaves the implementation. */
export interface DeviceKey {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
}
