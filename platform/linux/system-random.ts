import { randomBytes } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** The kernel's randomness: `bytes` is fit for keys and nonces, `next` has 48 random bits. */
export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes: (count) => new Uint8Array(randomBytes(count)),
};
