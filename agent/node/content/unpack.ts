import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import * as yauzl from "yauzl";
import { MANIFEST_BYTES_MAX, MANIFEST_NAME, PACKAGE_FILES_MAX, type Manifest } from "../../../player-host/contract/manifest.ts";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { diskErrorText } from "./disk-error-text.ts";
import { findManifest, matchFiles } from "./package-layout.ts";
import { parseManifest } from "./read-manifest.ts";
import { diskUse, type Room } from "./room.ts";

/** Limit on a package's unpacked bytes. */
const UNPACKED_BYTES_MAX = 8 * 1024 ** 3;

/** A package that is on disk exactly as published. */
export interface Unpacked {
  readonly manifest: Manifest;
  /** Hash of the manifest's bytes in the zip. */
  readonly manifestSha256: string;
}

/** Limit on files in a zip, including those added by tools (macOS adds one per file). */
const ZIP_FILES_MAX = 2 * PACKAGE_FILES_MAX + 1_000;
/** Free space is checked again after this many bytes: other processes write to the same disk. */
const LOOK_AGAIN_BYTES = 64 * 1024 * 1024;

/**
 * Unpacks a zip into an empty folder and checks every file against the manifest inside it: nothing missing, nothing extra,
 * every hash right, no path out of the folder. `room` limits the disk space; absent: no limit. Errors:
 * `content.bad-package` (the zip), `content.bad-manifest` (its manifest), `content.hash-mismatch`, `content.disk`,
 * `content.aborted`.
 */
export async function unpack(zipPath: string, folder: string, signal: AbortSignal, room?: Room): Promise<Result<Unpacked>> {
  let zip: yauzl.ZipFile;
  try {
    // Entries are read after the central directory.
    zip = await yauzl.openPromise(zipPath, { autoClose: false });
  } catch (thrown) {
    return fail("content.bad-package", `the package is not a readable zip: ${messageOf(thrown)}`);
  }
  try {
    return await unpackFrom(zip, folder, signal, room);
  } catch (thrown) {
    if (signal.aborted) return givenUp();
    const code = (thrown as { code?: string }).code;
    if (code === "ENOSPC" || code === "EROFS" || code === "EIO") return fail("content.disk", `the package could not be unpacked: ${diskErrorText(thrown)}`);
    return fail("content.bad-package", `the package could not be unpacked: ${diskErrorText(thrown)}`);
  } finally {
    zip.close();
  }
}

function givenUp(): Result<never> {
  return fail("content.aborted", "unpacking was aborted because other content is wanted or the agent is stopping");
}

async function unpackFrom(zip: yauzl.ZipFile, folder: string, signal: AbortSignal, room: Room | undefined): Promise<Result<Unpacked>> {
  const entries = new Map<string, yauzl.Entry>();
  for await (const entry of zip.eachEntry()) {
    if (signal.aborted) return givenUp();
    // yauzl normalises backslashes and refuses absolute names and `..` parts.
    if (entry.fileName.endsWith("/")) continue;
    if (entries.size >= ZIP_FILES_MAX) return tooMany();
    if (entries.has(entry.fileName)) return fail("content.bad-package", `the package has "${entry.fileName}" twice`);
    entries.set(entry.fileName, entry);
  }
  const names = [...entries.keys()];
  const place = findManifest(names);
  if (!place.ok) return place;
  const manifestEntry = entryOf(entries, place.value.name);
  if (manifestEntry.uncompressedSize > MANIFEST_BYTES_MAX) return fail("content.bad-manifest", "the manifest is larger than 4 MiB");
  const manifestBytes = await buffer(await zip.openReadStreamPromise(manifestEntry));
  const manifest = parseManifest(manifestBytes);
  if (!manifest.ok) return manifest;
  const paths = matchFiles(names, place.value, manifest.value);
  if (!paths.ok) return paths;
  if (paths.value.size > PACKAGE_FILES_MAX) return tooMany();
  const files = [{ path: MANIFEST_NAME, entry: manifestEntry }, ...[...paths.value].map(([path, name]) => ({ path, entry: entryOf(entries, name) }))];
  const fits = await checkRoom(files, room);
  if (!fits.ok) return fits;
  return writeAll({ zip, folder, signal, room, files, manifest: manifest.value });
}

interface PlannedFile {
  /** Relative to the package's folder. */
  readonly path: string;
  readonly entry: yauzl.Entry;
}

/** Checks the space before anything is written: files take whole blocks, and folders take blocks too. */
async function checkRoom(files: readonly PlannedFile[], room: Room | undefined): Promise<Result<void>> {
  const sizes = files.map(({ path, entry }) => ({ path, bytes: entry.uncompressedSize }));
  const contentBytes = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (contentBytes > UNPACKED_BYTES_MAX) return fail("content.bad-package", `the package unpacks to more than ${UNPACKED_BYTES_MAX} bytes`);
  if (room === undefined) return ok(undefined);
  const needed = diskUse(sizes, room.blockBytes);
  const freeBytes = await room.freeBytes();
  if (needed.bytes > freeBytes) return noRoom(`the unpacked package needs ${needed.bytes} bytes on disk; ${freeBytes} are available beyond what must stay free`);
  if (needed.files > room.files) return fail("content.disk", `the package has ${needed.files} files and folders; the disk can take ${room.files} more`, "remove files from the data folder's disk");
  return ok(undefined);
}

interface Writing {
  readonly zip: yauzl.ZipFile;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly room: Room | undefined;
  readonly files: readonly PlannedFile[];
  readonly manifest: Manifest;
}

async function writeAll({ zip, folder, signal, room, files, manifest }: Writing): Promise<Result<Unpacked>> {
  let manifestSha256 = "";
  let unlookedBytes = 0;
  for (const { path, entry } of files) {
    if (signal.aborted) return givenUp();
    unlookedBytes += entry.uncompressedSize;
    if (unlookedBytes >= LOOK_AGAIN_BYTES) {
      unlookedBytes = 0;
      if (room !== undefined && (await room.freeBytes()) < entry.uncompressedSize) return noRoom("something else filled the disk while the package was unpacked");
    }
    const hash = await writeEntry(zip, entry, join(folder, path), signal);
    const wanted = manifest.files[path];
    if (wanted === undefined) manifestSha256 = hash;
    else if (hash !== wanted) return fail("content.hash-mismatch", `"${path}" has SHA-256 ${hash}; the manifest says ${wanted}`);
  }
  return ok({ manifest, manifestSha256 });
}

function entryOf(entries: ReadonlyMap<string, yauzl.Entry>, name: string): yauzl.Entry {
  const entry = entries.get(name);
  if (entry === undefined) throw new Error(`no entry ${name}`);
  return entry;
}

function tooMany(): Result<never> {
  return fail("content.bad-package", `the package has more than ${PACKAGE_FILES_MAX} files`);
}

function noRoom(message: string): Result<never> {
  return fail("content.disk", message, "free space in the data folder, or lower disk.keepFreeBytes");
}

async function writeEntry(zip: yauzl.ZipFile, entry: yauzl.Entry, path: string, signal: AbortSignal): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  // `flush` makes the file durable before the folder is given its final name.
  await pipeline(await zip.openReadStreamPromise(entry), hashing, createWriteStream(path, { flags: "wx", flush: true }), { signal });
  return hash.digest("hex");
}
