import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { fail, messageOf, ok, type Result } from "../ports/result.ts";

/**
 * The kernel's files below a root, which tests point at a fixture tree. Reads are synchronous: /proc and /sys
 * are memory, one read takes microseconds, and no thread of the pool is needed for it.
 */
export interface MachineFiles {
  /** The text without trailing NULs and white space. Errors: `file.missing`, `file.unreadable`. */
  text(path: string): Result<string>;
  bytes(path: string): Result<Uint8Array>;
  /** Names in a folder, sorted; none when there is no such folder. */
  names(path: string): readonly string[];
  /** Where a symbolic link points, as written in it. */
  link(path: string): string | undefined;
  has(path: string): boolean;
}

export function machineFiles(root = "/"): MachineFiles {
  const bytes = (path: string): Result<Uint8Array> => attempt(path, () => new Uint8Array(readFileSync(join(root, path))));
  return {
    bytes,
    text: (path) => {
      const read = attempt(path, () => readFileSync(join(root, path), "utf8"));
      // Device-tree texts end in a NUL.
      return read.ok ? ok(read.value.replaceAll("\u0000", "").trim()) : read;
    },
    names: (path) => {
      const read = attempt(path, () => readdirSync(join(root, path)));
      return read.ok ? [...read.value].sort() : [];
    },
    link: (path) => {
      const read = attempt(path, () => readlinkSync(join(root, path)));
      return read.ok ? read.value : undefined;
    },
    has: (path) => bytes(path).ok,
  };
}

function attempt<T>(path: string, read: () => T): Result<T> {
  try {
    return ok(read());
  } catch (thrown) {
    // Missing or refused by the kernel: an answer about the machine, told with the path.
    const missing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    return fail(missing ? "file.missing" : "file.unreadable", `/${path.replace(/^\//, "")}: ${messageOf(thrown)}`);
  }
}
