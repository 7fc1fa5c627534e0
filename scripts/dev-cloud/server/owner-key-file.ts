import { existsSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { replaceDurablyNow } from "../../../platform/node/durable-file.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { fromBase64Url, toBase64Url } from "../../../platform/runtime/encoding.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import { base64UrlOf } from "../../../agent/protocol/values.ts";
import { keyFromSeed, newSeed } from "../../../platform/linux/node-crypto.ts";
import { fingerprintOf } from "../sessions/handshake.ts";
import type { OwnerKey, OwnerSigner } from "../sessions/owner-signer.ts";

/** Seeds of the owner's private keys (secret), newest first. */
const FileSchema = v.object({ purpose: v.string(), seeds: v.pipe(v.array(base64UrlOf(32)), v.minLength(1), v.maxLength(100)) });

export class OwnerKeyError extends Error {
  override readonly name = "OwnerKeyError";
}

/** The owner's command keys in one file, mode 0600, created on first start. Only a development cloud keeps them on the server. */
export class FileOwnerSigner implements OwnerSigner {
  readonly name: string;
  readonly #file: string;
  readonly #crypto: Crypto;
  readonly #random: Random;
  #seeds: string[];
  #keys: OwnerKey[];

  private constructor(
    name: string,
    file: string,
    deps: { readonly crypto: Crypto; readonly random: Random },
    seeds: string[],
    keys: OwnerKey[],
  ) {
    this.name = name;
    this.#file = file;
    this.#crypto = deps.crypto;
    this.#random = deps.random;
    this.#seeds = seeds;
    this.#keys = keys;
  }

  /** Throws `OwnerKeyError` when the file exists but is not valid: a new key would lock out every claimed device. */
  static async open(
    name: string,
    file: string,
    deps: { readonly crypto: Crypto; readonly random: Random },
  ): Promise<FileOwnerSigner> {
    const present = existsSync(file);
    const seeds = present ? readSeeds(file) : [toBase64Url(newSeed(deps.random))];
    if (!present) writeSeeds(file, seeds);
    const keys = await Promise.all(seeds.map((seed) => ownerKey(seed, deps.crypto)));
    return new FileOwnerSigner(name, file, deps, seeds, keys);
  }

  current(): OwnerKey {
    const key = this.#keys[0];
    if (key === undefined) throw new Error("an owner without a key");
    return key;
  }

  find(fingerprint: string): OwnerKey | undefined {
    return this.#keys.find((key) => key.fingerprint === fingerprint);
  }

  async rotate(): Promise<OwnerKey> {
    const seed = toBase64Url(newSeed(this.#random));
    const key = await ownerKey(seed, this.#crypto);
    const seeds = [seed, ...this.#seeds].slice(0, 100);
    writeSeeds(this.#file, seeds);
    this.#seeds = seeds;
    this.#keys = [key, ...this.#keys].slice(0, 100);
    return key;
  }
}

async function ownerKey(seed: string, crypto: Crypto): Promise<OwnerKey> {
  const bytes = fromBase64Url(seed);
  if (bytes === undefined) throw new OwnerKeyError("a seed of the owner's key is not base64url");
  const key = keyFromSeed(bytes);
  return {
    fingerprint: await fingerprintOf(key.publicKey, crypto),
    publicKey: toBase64Url(key.publicKey),
    sign: (message) => key.sign(message),
  };
}

function readSeeds(file: string): string[] {
  const parsed = v.safeParse(FileSchema, parseJson(readFileSync(file, "utf8")));
  if (!parsed.success)
    throw new OwnerKeyError(`${file} is damaged. Restore a copy of it, or remove it and claim every device again.`);
  return parsed.output.seeds;
}

function writeSeeds(file: string, seeds: readonly string[]): void {
  const content = { purpose: "command keys of the development cloud's owner; secret", seeds };
  replaceDurablyNow(file, `${JSON.stringify(content, undefined, 2)}\n`, 0o600);
}
