/** One command key of the owner. */
export interface OwnerKey {
  /** First 16 bytes of the SHA-256 of the public key, hex. */
  readonly fingerprint: string;
  /** Raw public key, base64url. */
  readonly publicKey: string;
  /** Raw signature, 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Signs as the owner. Here that is the cloud itself; in production the key belongs to the customer, outside the cloud. */
export interface OwnerSigner {
  /** Display name. */
  readonly name: string;
  current(): OwnerKey;
  /** Finds one of our keys, old ones included. */
  find(fingerprint: string): OwnerKey | undefined;
  /** Creates a new current key, on disk before this resolves. Old keys are kept. */
  rotate(): Promise<OwnerKey>;
}
