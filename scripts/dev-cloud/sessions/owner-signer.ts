/** One command key of the owner. */
export interface OwnerKey {
  /** First 16 bytes of the SHA-256 of the public key, hex. */
  readonly fingerprint: string;
  /** Raw public key, base64url. */
  readonly publicKey: string;
  /** Raw signature, 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** The owner, who in this cloud is the cloud itself. In a real one the key belongs to the customer, outside of it. */
export interface OwnerSigner {
  /** Name for people. */
  readonly name: string;
  current(): OwnerKey;
  /** A key of ours by fingerprint, old ones too. */
  find(fingerprint: string): OwnerKey | undefined;
  /** Makes a new current key, on disk before this resolves; the old ones are kept. */
  rotate(): Promise<OwnerKey>;
}
