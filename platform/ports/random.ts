/** Injected source of randomness, so that a simulation can replay it. */
export interface Random {
  /** Uniform in [0, 1). Not for secrets. */
  next(): number;
  /** `count` bytes suitable for keys, nonces and ids. In a simulation they come from the seed. */
  bytes(count: number): Uint8Array;
}
