import { closeSync, constants, fchmodSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../ports/result.ts";

/** A file or folder that stays open to users other than the owner, and why. */
export interface OpenPlace {
  readonly path: string;
  /** Octal, as `chmod` takes it. */
  readonly mode: string;
  readonly why: string;
}

export interface PrivateTreeOptions {
  /** Maximum mode of the folder itself; default 0700. */
  readonly rootMode?: number;
  /** Names, in any folder of the tree, that are left unchanged with all their contents. */
  readonly leave?: ReadonlySet<string>;
  /** Names of folders whose files the group may read: logs, which the agent collects from another user. */
  readonly groupReads?: ReadonlySet<string>;
}

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const GROUP_READS = 0o040;
const GROUP_PASSES = 0o050;
/** Limit on entries visited at each start. A data folder has a few dozen. */
const ENTRIES_MAX = 2_000;
const DEPTH_MAX = 4;

/**
 * Restricts a data folder to its owner, including files and folders created with wider modes by an earlier version or by hand.
 * The folder itself comes first, so that its contents are out of reach from then on. Modes are only narrowed, links are not
 * followed, and other users' files are not touched. Returns what stays open; never throws because of file system errors.
 */
export function closeToOthers(root: string, options: PrivateTreeOptions = {}): readonly OpenPlace[] {
  // Windows has no such modes; it is used for development only.
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
    // A pipe must not block startup, and a link may lead outside the tree.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    isFolder = stat.isDirectory();
    if (!isFolder && !stat.isFile()) return { isFolder };
    mode = stat.mode & 0o7777;
    const allowed = rootMode ?? (isFolder ? FOLDER_MODE | (groupMay ? GROUP_PASSES : 0) : FILE_MODE | (groupMay ? GROUP_READS : 0));
    // Keep the owner, setuid, setgid and sticky bits.
    const narrowed = mode & (allowed | 0o7700);
    if (narrowed !== mode) fchmodSync(fd, narrowed);
    return { isFolder };
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    // Deleted meanwhile, a link, a socket, or a file that we cannot read either.
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
