import { closeSync, constants, fchmodSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../ports/result.ts";

/** Something that users other than the owner can read or write, and why it stays so. */
export interface OpenPlace {
  readonly path: string;
  /** Octal, as `ls` and `chmod` people know it. */
  readonly mode: string;
  readonly why: string;
}

export interface PrivateTreeOptions {
  /** The folder itself keeps at most these bits, 0700 unless told otherwise. */
  readonly rootMode?: number;
  /** By name, in any folder of the tree: kept as it is, and what is in it. */
  readonly leave?: ReadonlySet<string>;
  /** Folders whose files may be read by their group, by name: logs, which the agent collects from another user. */
  readonly groupReads?: ReadonlySet<string>;
}

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const GROUP_READS = 0o040;
const GROUP_PASSES = 0o050;
/** A data folder has a few dozen entries. More is not ours to go through at every start. */
const ENTRIES_MAX = 2_000;
const DEPTH_MAX = 4;

/**
 * Takes a data folder away from every user but its owner: folders and files that were made with wider modes, by an earlier version
 * or by hand. The folder itself goes first, so that from then on nobody reaches what is in it. Nothing is added to a mode, no
 * link is followed, and other users' files are not touched. Returns what stays open, and never throws for the disk's sake.
 */
export function closeToOthers(root: string, options: PrivateTreeOptions = {}): readonly OpenPlace[] {
  // Only development happens on a system without such modes.
  if (process.platform === "win32") return [];
  const { rootMode = FOLDER_MODE, leave = new Set(), groupReads = new Set() } = options;
  const open: OpenPlace[] = [];
  let left = ENTRIES_MAX;
  const close = (path: string, depth: number, groupMay: boolean): void => {
    left -= 1;
    const { isFolder, place } = narrow(path, depth === 0 ? rootMode : undefined, groupMay);
    if (place !== undefined) open.push(place);
    if (!isFolder || depth === DEPTH_MAX) return;
    for (const child of childrenOf(path)) {
      if (left <= 0) return;
      if (!leave.has(child)) close(join(path, child), depth + 1, groupMay || groupReads.has(child));
    }
  };
  close(root, 0, false);
  return open;
}

function narrow(path: string, rootMode: number | undefined, groupMay: boolean): { readonly isFolder: boolean; readonly place?: OpenPlace } {
  let fd: number | undefined;
  let mode = 0;
  let isFolder = false;
  try {
    // A pipe must not hold the start up, and a link leads to what is not ours.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    isFolder = stat.isDirectory();
    if (!isFolder && !stat.isFile()) return { isFolder };
    mode = stat.mode & 0o7777;
    const allowed = rootMode ?? (isFolder ? FOLDER_MODE | (groupMay ? GROUP_PASSES : 0) : FILE_MODE | (groupMay ? GROUP_READS : 0));
    // The owner's own bits and those for setting ids stay.
    const narrowed = mode & (allowed | 0o7700);
    if (narrowed !== mode) fchmodSync(fd, narrowed);
    return { isFolder };
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    // Gone meanwhile, a link, a socket; or a file that even we cannot read.
    if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO" || code === "EACCES") return { isFolder };
    if (code === undefined) throw thrown;
    return { isFolder, place: { path, mode: `0${mode.toString(8)}`, why: messageOf(thrown) } };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function childrenOf(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (thrown) {
    // Not readable: nothing below it can be looked at, and what is open of it was said.
    if ((thrown as NodeJS.ErrnoException).code === undefined) throw thrown;
    return [];
  }
}
