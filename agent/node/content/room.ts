import { statfs } from "node:fs/promises";

/** Space left on a disk for a package. */
export interface Room {
  /** Bytes free at the moment, without those that must stay free. */
  freeBytes(): Promise<number>;
  /** Files and folders that can still be created; `Infinity` when the file system has no limit. */
  readonly files: number;
  /** Block size: a file takes whole blocks. */
  readonly blockBytes: number;
}

/** Size of a directory entry without its name, on ext4. */
const ENTRY_BYTES = 12;

export async function roomOn(folder: string, keepFreeBytes: number): Promise<Room> {
  const { bsize, files, ffree } = await statfs(folder);
  return {
    freeBytes: async () => {
      const { bavail, bsize: now } = await statfs(folder);
      return Math.max(0, bavail * now - keepFreeBytes);
    },
    // File systems that create inodes on demand report 0 of 0.
    files: files === 0 ? Infinity : ffree,
    blockBytes: bsize,
  };
}

/** Disk usage of files with these paths and sizes: bytes in whole blocks including their folders, and the number of files and folders. */
export function diskUse(files: readonly { readonly path: string; readonly bytes: number }[], blockBytes: number): { readonly bytes: number; readonly files: number } {
  const folders = new Map<string, number>([["", 0]]);
  let blocks = 0;
  for (const { path, bytes } of files) {
    blocks += Math.ceil(bytes / blockBytes);
    const parts = path.split("/");
    for (let depth = parts.length - 1, isNew = true; depth >= 0 && isNew; depth -= 1) {
      const folder = parts.slice(0, depth).join("/");
      isNew = !folders.has(folder);
      folders.set(folder, (folders.get(folder) ?? 0) + ENTRY_BYTES + Buffer.byteLength(parts[depth] ?? ""));
    }
  }
  for (const entryBytes of folders.values()) blocks += Math.max(1, Math.ceil(entryBytes / blockBytes));
  return { bytes: blocks * blockBytes, files: files.length + folders.size };
}
