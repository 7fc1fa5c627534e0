import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as yauzl from "yauzl";
import { MANIFEST_BYTES_MAX, MANIFEST_NAME, ManifestSchema, PACKAGE_FILES_MAX, type Manifest } from "../../../player-host/contract/manifest.ts";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import { validate } from "../../protocol/codec.ts";

/** Most bytes one package may unpack to. */
const UNPACKED_BYTES_MAX = 8 * 1024 ** 3;

/** A package that is on disk as it was published. */
export interface Unpacked {
  readonly manifest: Manifest;
  /** Of the manifest's bytes as they were in the zip. */
  readonly manifestSha256: string;
}

/**
 * Unpacks a zip into an empty folder and checks every file against the manifest inside it: nothing
 * missing, nothing extra, every hash right, no path out of the folder. Errors: `content.bad-package`
 * (the zip), `content.bad-manifest` (what it says), `content.hash-mismatch`, `content.disk`, `content.aborted`.
 * `roomBytes`: what it may take on the disk.
 */
export async function unpack(zipPath: string, folder: string, signal: AbortSignal, roomBytes = UNPACKED_BYTES_MAX): Promise<Result<Unpacked>> {
  let zip: yauzl.ZipFile;
  try {
    zip = await yauzl.openPromise(zipPath);
  } catch (thrown) {
    return fail("content.bad-package", `the package is not a readable zip: ${messageOf(thrown)}`);
  }
  try {
    return await unpackFrom(zip, folder, signal, roomBytes);
  } catch (thrown) {
    if (signal.aborted) return givenUp();
    const code = (thrown as { code?: string }).code;
    if (code === "ENOSPC" || code === "EROFS" || code === "EIO") return fail("content.disk", `the package could not be unpacked: ${messageOf(thrown)}`);
    return fail("content.bad-package", `the package could not be unpacked: ${messageOf(thrown)}`);
  } finally {
    zip.close();
  }
}

function givenUp(): Result<never> {
  return fail("content.aborted", "unpacking was given up, because other content is wanted or the agent stops");
}

async function unpackFrom(zip: yauzl.ZipFile, folder: string, signal: AbortSignal, roomBytes: number): Promise<Result<Unpacked>> {
  const hashes = new Map<string, string>();
  let unpackedBytes = 0;
  for await (const entry of zip.eachEntry()) {
    if (signal.aborted) return givenUp();
    if (entry.fileName.endsWith("/")) continue;
    unpackedBytes += entry.uncompressedSize;
    if (hashes.size >= PACKAGE_FILES_MAX) return fail("content.bad-package", `the package has more than ${PACKAGE_FILES_MAX} files`);
    if (unpackedBytes > UNPACKED_BYTES_MAX) return fail("content.bad-package", `the package unpacks to more than ${UNPACKED_BYTES_MAX} bytes`);
    if (unpackedBytes > roomBytes) return fail("content.disk", `the package unpacks to more than the ${roomBytes} bytes there are beside what must stay free`, "free space in the data folder, or lower disk.keepFreeBytes");
    if (hashes.has(entry.fileName)) return fail("content.bad-package", `the package has "${entry.fileName}" twice`);
    if (entry.fileName === MANIFEST_NAME && entry.uncompressedSize > MANIFEST_BYTES_MAX) return fail("content.bad-manifest", "the manifest is larger than 4 MiB");
    // yauzl refuses absolute names and `..` parts by itself; the manifest's own check repeats it below.
    hashes.set(entry.fileName, await writeEntry(zip, entry, join(folder, entry.fileName), signal));
  }
  return checkAgainstManifest(folder, hashes);
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

async function checkAgainstManifest(folder: string, hashes: ReadonlyMap<string, string>): Promise<Result<Unpacked>> {
  const manifest = await readManifest(folder);
  if (!manifest.ok) return manifest;
  const listed = manifest.value.files;
  for (const [path, wanted] of Object.entries(listed)) {
    const found = hashes.get(path);
    if (found === undefined) return fail("content.bad-package", `"${path}" is in the manifest and not in the package`);
    if (found !== wanted) return fail("content.hash-mismatch", `"${path}" has SHA-256 ${found}; the manifest says ${wanted}`);
  }
  for (const path of hashes.keys()) {
    if (path !== MANIFEST_NAME && !Object.hasOwn(listed, path)) return fail("content.bad-package", `"${path}" is in the package and not in the manifest`);
  }
  if (!Object.hasOwn(listed, manifest.value.entry)) return fail("content.bad-manifest", `the entry page "${manifest.value.entry}" is not among the files`);
  return ok({ manifest: manifest.value, manifestSha256: hashes.get(MANIFEST_NAME) ?? "" });
}

/** Reads and checks the manifest of an unpacked package. */
export async function readManifest(folder: string): Promise<Result<Manifest>> {
  let text: string;
  try {
    text = await readFile(join(folder, MANIFEST_NAME), "utf8");
  } catch (thrown) {
    return fail("content.bad-manifest", `the package has no readable ${MANIFEST_NAME}: ${messageOf(thrown)}`);
  }
  const json = parseJson(text);
  if (json === undefined) return fail("content.bad-manifest", `${MANIFEST_NAME} is not JSON`);
  const checked = validate(ManifestSchema, json, MANIFEST_NAME, "content.bad-manifest");
  return checked.ok ? ok(checked.value) : checked;
}
