import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { keyFromSeed, newSeed } from "../../platform/linux/node-crypto.ts";
import type { DeviceKey } from "../../platform/ports/crypto.ts";
import type { Random } from "../../platform/ports/random.ts";
import { fromBase64Url, toBase64Url } from "../../platform/runtime/encoding.ts";

/** Makes a key: its seed in `path` (base64url, mode 0600), its public half in `<path>.pub`. Returns its fingerprint. Throws when `path` exists. */
export async function newReleaseKey(path: string, random: Random): Promise<string> {
  const seed = newSeed(random);
  const key = keyFromSeed(seed);
  await writeFile(path, `${toBase64Url(seed)}\n`, { mode: 0o600, flag: "wx" });
  await writeFile(`${path}.pub`, `${toBase64Url(key.publicKey)}\n`);
  return fingerprintOf(key);
}

/** Throws when the file holds no key, or others can read it. */
export async function readReleaseKey(path: string): Promise<DeviceKey> {
  if (((await stat(path)).mode & 0o077) !== 0) throw new Error(`${path} can be read by others; chmod 600 it, and make a new key if somebody did`);
  const seed = fromBase64Url((await readFile(path, "utf8")).trim());
  if (seed?.length !== 32) throw new Error(`${path} is not a release key: it holds 32 bytes in base64url`);
  return keyFromSeed(seed);
}

/** First 16 bytes of the SHA-256 of the public key, hex. */
export function fingerprintOf({ publicKey }: DeviceKey): string {
  return createHash("sha256").update(publicKey).digest("hex").slice(0, 32);
}
