import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { replaceDurablyNow, syncFolderNow } from "../../../platform/node/durable-file.ts";

/** Files readable by the agent's user only: mode 0600 in a folder of mode 0700. */

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Our files here are far smaller; a larger one is not ours. */
const BYTES_MAX = 64 * 1024;

/** A path that others could read, now corrected, and its old mode. */
export type Repaired = { readonly path: string; readonly was: string };

export function ensurePrivateFolder(folder: string): Repaired | undefined {
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  return repairMode(folder, FOLDER_MODE);
}

/** Result of a read. `strange`: something is there that is not a file of ours. `blocked`: it may be good but cannot be read. */
export type PrivateText =
  | { readonly kind: "absent" }
  | { readonly kind: "strange"; readonly why: string }
  | { readonly kind: "blocked"; readonly why: string }
  | { readonly kind: "text"; readonly text: string };

export function readPrivate(path: string): PrivateText {
  try {
    const stat = lstatSync(path);
    // A link could redirect this read, or a later write, anywhere.
    if (!stat.isFile()) return { kind: "strange", why: "it is not a regular file" };
    if (stat.size > BYTES_MAX) return { kind: "strange", why: `it is too large (${stat.size} bytes)` };
    return { kind: "text", text: readFileSync(path, "utf8") };
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT")) return { kind: "absent" };
    // EIO on a worn card, EACCES after a chown: unreadable now, but perhaps not next time.
    if (thrown instanceof Error && "code" in thrown) return { kind: "blocked", why: thrown.message };
    throw thrown;
  }
}

export function repairFile(path: string): Repaired | undefined {
  return repairMode(path, FILE_MODE);
}

/** Atomic and durable: temporary file, fsync, rename, fsync of the folder. */
export function writePrivate(path: string, text: string): void {
  replaceDurablyNow(path, text, FILE_MODE);
}

/** Renames an unusable file to `<name>.damaged-<stampMs>` and keeps the newest `keepMax`. Returns the new path. */
export function setAside(path: string, stampMs: number, keepMax: number): string {
  const prefix = `${basename(path)}.damaged-`;
  const aside = join(dirname(path), `${prefix}${stampMs}`);
  renameSync(path, aside);
  const all = readdirSync(dirname(path)).filter((name) => name.startsWith(prefix)).sort();
  for (const name of all.slice(0, Math.max(0, all.length - keepMax))) rmSync(join(dirname(path), name), { force: true, recursive: true });
  syncFolderNow(dirname(path));
  return aside;
}

function repairMode(path: string, mode: number): Repaired | undefined {
  const was = lstatSync(path).mode & 0o777;
  // Windows has no such modes and reports 0666; it is used for development only.
  if ((was & ~mode) === 0 || process.platform === "win32") return undefined;
  chmodSync(path, mode);
  return { path, was: `0${was.toString(8)}` };
}

export function isErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}
