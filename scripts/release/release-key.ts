import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { keyFromSeed, newSeed } from "../../platform/linux/node-crypto.ts";
import type { DeviceKey } from "../../platform/ports/crypto.ts";
import type { Random } from "../../platform/ports/random.ts";
import { fromBase64Url, toBase64Url } from "../../platform/runtime/encoding.ts";

/** The secret half says what it is, so that it cannot be taken for the public one. */
const SECRET_FORM = /^secret ([A-Za-z0-9_-]{43})$/;
const KEY_BYTES = 32;

/** Makes a key: its seed in `path` (`secret`, then base64url; mode 0600), its public half in `<path>.pub`. Returns its fingerprint. Throws when `path` exists. */
export async function newReleaseKey(path: string, random: Random): Promise<string> {
  const seed = newSeed(random);
  const key = keyFromSeed(seed);
  await writeFile(path, `secret ${toBase64Url(seed)}\n`, { mode: 0o600, flag: "wx" }).catch((thrown: unknown) => {
    throw (thrown as NodeJS.ErrnoException).code === "EEXIST" ? new Error(`${path} exists already; name another file for a new key`) : thrown;
  });
  await writeFile(`${path}.pub`, `${toBase64Url(key.publicKey)}\n`);
  return fingerprintOf(key);
}

/** Throws when the file holds no key, or others can read it. */
export async function readReleaseKey(path: string): Promise<DeviceKey> {
  const [, text = ""] = SECRET_FORM.exec((await readFile(path, "utf8")).trim()) ?? [];
  const seed = fromBase64Url(text);
  if (seed?.length !== KEY_BYTES) throw new Error(`${path} is not the secret half of a release key, which begins with "secret"${path.endsWith(".pub") ? "; .pub is the public half" : ""}`);
  if (((await stat(path)).mode & 0o077) !== 0) throw new Error(`${path} can be read by others; chmod 600 it, and make a new key if somebody did`);
  return keyFromSeed(seed);
}

/**
 * Why a file cannot go onto devices as a public key: a secret half must never get there. `undefined`: it can. The name is asked for too, as a
 * bare seed looks like a public key.
 */
export function whyNoReleaseKey(path: string, text: string): string | undefined {
  if (text.includes("secret")) return "it is the secret half; the public one ends in .pub";
  if (!path.endsWith(".pub")) return "the file of a public half ends in .pub";
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const bad = lines.findIndex((line) => fromBase64Url(line.trim())?.length !== KEY_BYTES);
  return lines.length === 0 ? "it is empty" : bad < 0 ? undefined : `line ${bad + 1} is no Ed25519 public key in base64url`;
}

/** First 16 bytes of the SHA-256 of the public key, hex. */
export function fingerprintOf({ publicKey }: DeviceKey): string {
  return createHash("sha256").update(publicKey).digest("hex").slice(0, 32);
}
