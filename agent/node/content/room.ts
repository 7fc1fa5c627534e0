import { statfs } from "node:fs/promises";

/** What a disk has left for a package. */
export interface Room {
  /** Bytes beside what must stay free, as of now. */
  freeBytes(): Promise<number>;
  /** Files and folders that can still be made; `Infinity` where the file system sets no number. */
  readonly files: number;
  /** A file takes whole blocks of this many bytes. */
  readonly blockBytes: number;
}

/** What a directory entry takes beside its name, on ext4. */
const ENTRY_BYTES = 12;

export async function roomOn(folder: string, keepFreeBytes: number): Promise<Room> {
  const { bsize, files, ffree } = await statfs(folder);
  return {
    freeBytes: async () => {
      const { bavail, bsize: now } = await statfs(folder);
      return Math.max(0, bavail * now - keepFreeBytes);
    },
    // Some file systems make inodes as they need them, and say 0 of 0.
    files: files === 0 ? Infinity : ffree,
    blockBytes: bsize,
  };
}

/** What files with these paths and sizes take on a disk: whole blocks, their folders, and a number of each. */
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
