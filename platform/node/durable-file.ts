import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes atomically, so that a power cut leaves either the old text or the new one: temporary file, fsync, rename, fsync of the folder. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Makes folder entries durable: a new file can vanish in a power cut until its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file as {@link writeDurably} does, without waiting for the event loop and with exactly this mode, whatever the umask.
 * Throws what the disk refuses; the old file is then still there, and perhaps `<path>.tmp`, which the next call deletes.
 */
export function replaceDurablyNow(path: string, text: string, mode: number): void {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  writeNewNow(temporary, text, mode);
  renameSync(temporary, path);
  syncFolderNow(dirname(path));
}

/** Writes a file that must not exist yet, with exactly this mode. Its content is on disk when this returns; its name only once its folder is synced. */
export function writeNewNow(path: string, text: string, mode: number): void {
  const fd = openSync(path, "wx", mode);
  try {
    fchmodSync(fd, mode);
    // Writes everything or throws; `writeSync` may write a part of it to a disk that is nearly full.
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Synchronous {@link syncFolder}, for startup and salvage. */
export function syncFolderNow(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The file's text, or `undefined` if the file does not exist. Other failures are thrown. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}
