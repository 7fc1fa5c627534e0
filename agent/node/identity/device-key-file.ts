import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import type { DeviceKey } from "../../../platform/ports/crypto.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { fromBase64Url, toBase64Url } from "../../../platform/runtime/encoding.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import { base64UrlOf, Sha256Schema } from "../../protocol/values.ts";
import { ensurePrivateFolder, readPrivate, repairFile, setAside, writePrivate } from "./private-file.ts";

export const KEY_FILE = "device.key";
export const KEY_COPY = "device.key.bak";
const SEED_BYTES = 32;
const DAMAGED_KEPT = 3;

/**
 * Contents of a key file. Any 32 bytes are a valid Ed25519 seed, so a flipped bit would silently turn this device into
 * another one; `publicKey` and `check` detect that.
 */
const KeyFileSchema = v.object({
  kind: v.literal("vitrine-device-key"),
  version: v.literal(1),
  seed: base64UrlOf(SEED_BYTES),
  publicKey: base64UrlOf(32),
  /** SHA-256, hex, of `seed` and `publicKey` as written, joined by a line feed. */
  check: Sha256Schema,
});

/** A problem with the key that the owner should know about. `code` is the alarm's. */
export interface KeyFinding {
  readonly code: "identity.permissions" | "identity.copy-restored" | "identity.lost" | "identity.unreadable" | "identity.not-stored";
  readonly severity: "warning" | "critical";
  readonly message: string;
  readonly evidence: Readonly<Record<string, string>>;
}

export interface LoadedKey {
  readonly key: DeviceKey;
  /**
   * `created`: first start of this data folder. `replaced`: the key was lost; this is a new device now.
   * `temporary`: a good key may exist but cannot be read; nothing was written, and the next start tries again.
   */
  readonly origin: "stored" | "restored" | "created" | "replaced" | "temporary";
  readonly findings: readonly KeyFinding[];
}

export interface KeyFileDeps {
  readonly folder: string;
  readonly random: Random;
  readonly wallMs: () => number;
  readonly keyFromSeed: (seed: Uint8Array) => DeviceKey;
}

export type KeyCopy =
  | { readonly kind: "absent" }
  | { readonly kind: "blocked"; readonly why: string }
  | { readonly kind: "good"; readonly text: string; readonly key: DeviceKey }
  | { readonly kind: "damaged"; readonly why: string };

/**
 * Loads the device's key, or creates it at the first start. Two copies are kept, so that one damaged file does not change
 * the device's identity; see docs/identity.md. Never throws: without a disk the device runs on a key in memory and reports
 * it.
 */
export function loadDeviceKey(deps: KeyFileDeps): LoadedKey {
  const findings: KeyFinding[] = [];
  try {
    noteRepair(findings, ensurePrivateFolder(deps.folder));
    const main = readCopy(deps, KEY_FILE, findings);
    const spare = readCopy(deps, KEY_COPY, findings);
    if (main.kind === "good") {
      if (spare.kind !== "good" || spare.text !== main.text) restore(deps, KEY_COPY, spare, main.text, findings);
      return { key: main.key, origin: "stored", findings };
    }
    if (spare.kind === "good") {
      restore(deps, KEY_FILE, main, spare.text, findings);
      return { key: spare.key, origin: "restored", findings };
    }
    return main.kind === "blocked" || spare.kind === "blocked" ? borrow(deps, main, spare, findings) : make(deps, main, spare, findings);
  } catch (thrown) {
    // The disk can be neither read nor written. The screen must still show its picture and say what is wrong.
    findings.push(notStored(thrown));
    return { key: deps.keyFromSeed(deps.random.bytes(SEED_BYTES)), origin: "temporary", findings };
  }
}

/** A key for this run only. Nothing is overwritten, because the stored key may be readable at the next start. */
function borrow(deps: KeyFileDeps, main: KeyCopy, spare: KeyCopy, findings: KeyFinding[]): LoadedKey {
  findings.push({
    code: "identity.unreadable",
    severity: "critical",
    message: "the device's key cannot be read; it runs under a temporary identity until it can",
    evidence: { [KEY_FILE]: whyOf(main), [KEY_COPY]: whyOf(spare) },
  });
  return { key: deps.keyFromSeed(deps.random.bytes(SEED_BYTES)), origin: "temporary", findings };
}

function whyOf(copy: KeyCopy): string {
  return copy.kind === "damaged" || copy.kind === "blocked" ? copy.why : copy.kind;
}

function make(deps: KeyFileDeps, main: KeyCopy, spare: KeyCopy, findings: KeyFinding[]): LoadedKey {
  const seed = deps.random.bytes(SEED_BYTES);
  const key = deps.keyFromSeed(seed);
  const lost = main.kind === "damaged" || spare.kind === "damaged";
  if (lost) {
    findings.push({
      code: "identity.lost",
      severity: "critical",
      message: "both copies of the device's key are damaged; it has a new identity and must be claimed again",
      evidence: { [KEY_FILE]: whyOf(main), [KEY_COPY]: whyOf(spare) },
    });
  }
  const text = textOf(seed, key.publicKey);
  try {
    for (const [name, copy] of [[KEY_FILE, main], [KEY_COPY, spare]] as const) {
      if (copy.kind === "damaged") setAside(join(deps.folder, name), deps.wallMs(), DAMAGED_KEPT);
      writePrivate(join(deps.folder, name), text);
    }
  } catch (thrown) {
    findings.push(notStored(thrown));
  }
  return { key, origin: lost ? "replaced" : "created", findings };
}

/** Replaces the bad copy with the good one. A disk that refuses is reported, not fatal. */
function restore(deps: KeyFileDeps, name: string, damaged: KeyCopy, text: string, findings: KeyFinding[]): void {
  const why = damaged.kind === "good" ? "it holds another key" : whyOf(damaged);
  try {
    const path = join(deps.folder, name);
    const aside = damaged.kind === "absent" ? "" : setAside(path, deps.wallMs(), DAMAGED_KEPT);
    writePrivate(path, text);
    const evidence = { file: name, why, ...(aside === "" ? {} : { aside }) };
    findings.push({ code: "identity.copy-restored", severity: "warning", message: `${name} was restored from its other copy: ${why}`, evidence });
  } catch (thrown) {
    findings.push(notStored(thrown));
  }
}

function readCopy(deps: KeyFileDeps, name: string, findings: KeyFinding[]): KeyCopy {
  const path = join(deps.folder, name);
  const read = readPrivate(path);
  if (read.kind === "absent") return read;
  if (read.kind === "blocked") return read;
  if (read.kind === "strange") return { kind: "damaged", why: read.why };
  noteRepair(findings, repairFile(path));
  return parseKeyFile(read.text, deps.keyFromSeed);
}

/** Checks the text of a key file. */
export function parseKeyFile(text: string, keyFromSeed: KeyFileDeps["keyFromSeed"]): KeyCopy {
  const file = v.safeParse(KeyFileSchema, parseJson(text));
  if (!file.success) return { kind: "damaged", why: text === "" ? "it is empty" : "it is not a key file" };
  const { seed: seedText, publicKey, check } = file.output;
  if (checkOf(seedText, publicKey) !== check) return { kind: "damaged", why: "its checksum does not match" };
  const seed = fromBase64Url(seedText);
  if (seed === undefined) return { kind: "damaged", why: "its seed is not base64url" };
  const key = keyFromSeed(seed);
  return toBase64Url(key.publicKey) === publicKey ? { kind: "good", text, key } : { kind: "damaged", why: "its public key does not match its seed" };
}

function textOf(seed: Uint8Array, publicKey: Uint8Array): string {
  const parts = { seed: toBase64Url(seed), publicKey: toBase64Url(publicKey) };
  return `${JSON.stringify({ kind: "vitrine-device-key", version: 1, ...parts, check: checkOf(parts.seed, parts.publicKey) }, null, 2)}\n`;
}

function checkOf(seed: string, publicKey: string): string {
  return createHash("sha256").update(`${seed}\n${publicKey}`).digest("hex");
}

function noteRepair(findings: KeyFinding[], repaired: { readonly path: string; readonly was: string } | undefined): void {
  if (repaired === undefined) return;
  findings.push({
    code: "identity.permissions",
    severity: "warning",
    message: `${repaired.path} was readable by others (mode ${repaired.was}); the mode was corrected, but the key may have been read`,
    evidence: { path: repaired.path, was: repaired.was },
  });
}

function notStored(thrown: unknown): KeyFinding {
  return {
    code: "identity.not-stored",
    severity: "critical",
    message: `the device's key could not be stored: ${messageOf(thrown)}; after a restart the device may have another identity`,
    evidence: { error: messageOf(thrown) },
  };
}
