import { mkdir, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { StageContent } from "../../../player-host/contract/link-messages.ts";
import { MANIFEST_NAME, type Manifest } from "../../../player-host/contract/manifest.ts";
import { syncFolder, writeDurably } from "../../../platform/node/durable-file.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { parseUrl } from "../../../platform/runtime/parse-url.ts";
import type { ContentProvider } from "../../core/content/content-port.ts";
import type { Content } from "../../protocol/content.ts";
import type { HttpSettings } from "../transport/http-exchange.ts";
import { diskErrorText } from "./disk-error-text.ts";
import { download, hashFile } from "./download.ts";
import { readManifest } from "./read-manifest.ts";
import { roomOn } from "./room.ts";
import { unpack } from "./unpack.ts";

type PackageContent = Extract<Content, { kind: "package" }>;

/** Packages kept on disk: the current one and the one before it. */
const PACKAGES_KEPT = 2;

export interface PackageProviderDeps {
  /** The content folder; created if missing. */
  readonly root: string;
  /** Bytes that must stay free on its disk. */
  readonly keepFreeBytes: number;
  /** The same proxy settings as the link's. */
  readonly http: HttpSettings;
  /** Addresses whose origins may access the local network. */
  readonly localNetworkOrigins?: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Content on this machine's disk. `<content>/<sha256>/` is an unpacked and verified package; it is renamed into place, so
 * a folder with this name is complete. `<sha256>.manifest` beside it holds the hash of the manifest, the one file that no
 * manifest lists.
 */
export class PackageProvider implements ContentProvider {
  readonly #root: string;
  readonly #keepFreeBytes: number;
  readonly #http: HttpSettings;
  readonly #localNetwork: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor({ root, keepFreeBytes, http, localNetworkOrigins = [], clock, log }: PackageProviderDeps) {
    this.#localNetwork = new Set(localNetworkOrigins.map((address) => new URL(address).origin));
    this.#root = root;
    this.#keepFreeBytes = keepFreeBytes;
    this.#http = http;
    this.#clock = clock;
    this.#log = log;
  }

  async prepare(content: Content, signal: AbortSignal): Promise<Result<StageContent>> {
    if (content.kind === "url") {
      const address = parseUrl(content.url);
      // The schema checks the form only; a port such as 99999 passes it.
      if (address === undefined) return fail("content.bad-address", `${content.url} is not a valid address`, "check its host and port");
      const localNetwork = this.#mayReachSite(content.url);
      return ok({ kind: "url", id: content.url, url: content.url, grants: [...(content.grants ?? [])], ...(content.origins && { origins: [...content.origins] }), ...(localNetwork && { localNetwork }) });
    }
    const folder = join(this.#root, content.sha256);
    try {
      const manifest = (await this.#installed(folder, signal)) ?? (await this.#install(content, folder, signal));
      if (!manifest.ok) return manifest;
      await this.#removeOld(content.sha256);
      return ok({ ...stageContent(content, folder, manifest.value), unpackedMs: await unpackedMs(folder) });
    } catch (thrown) {
      if (signal.aborted) return fail("content.aborted", "the package was abandoned because other content is wanted or the agent is stopping");
      return fail("content.disk", `the package could not be installed: ${diskErrorText(thrown)}`, "free space in the data folder");
    }
  }

  #mayReachSite(address: string): boolean {
    return this.#localNetwork.has(parseUrl(address)?.origin ?? "");
  }

  /**
   * The installed package, if all its files and its manifest still match their hashes; a failing card would otherwise
   * cause white screens. A damaged package is fetched again, but stays until then, because it may be on screen.
   */
  async #installed(folder: string, signal: AbortSignal): Promise<Result<Manifest> | undefined> {
    if (!(await exists(folder))) return undefined;
    const manifest = await readManifest(folder);
    const wrong = manifest.ok ? ((await manifestDamaged(folder, signal)) ?? (await firstDamaged(folder, manifest.value, signal))) : manifest.error.message;
    if (manifest.ok && wrong === undefined) {
      await this.#touch(folder);
      return manifest;
    }
    this.#log.warn({ folder, wrong }, "an unpacked package is damaged; it is fetched again");
    return undefined;
  }

  /** A file in place of the folder is damage and holds nothing of ours. */
  async #makeRoot(): Promise<void> {
    const found = await stat(this.#root).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === "ENOENT") return undefined;
      throw thrown;
    });
    if (found?.isDirectory() === false) {
      this.#log.warn({ root: this.#root }, "the content folder is not a folder; it is removed");
      await rm(this.#root, { force: true });
    }
    await mkdir(this.#root, { recursive: true });
  }

  /** The folder's modification time is its last use: the order in which packages are removed. */
  async #touch(folder: string): Promise<void> {
    try {
      const nowS = this.#clock.wallMs() / 1000;
      await utimes(folder, nowS, nowS);
    } catch (thrown) {
      // The package can be shown even from an unwritable disk.
      this.#log.warn({ folder, error: messageOf(thrown) }, "a package could not be marked as used");
    }
  }

  async #install(content: PackageContent, folder: string, signal: AbortSignal): Promise<Result<Manifest>> {
    const zipPath = join(this.#root, "downloads", `${content.sha256}.zip`);
    const temporary = join(this.#root, `${content.sha256}.unpacking`);
    await this.#makeRoot();
    await this.#removeLeftovers(content.sha256);
    const room = await this.#checkRoom(content, zipPath);
    if (!room.ok) return room;
    const fetched = (await exists(zipPath)) ? ok(undefined) : await download({ url: content.url, sha256: content.sha256, bytes: content.bytes, to: zipPath, localNetwork: this.#mayReachSite(content.url) }, this.#http, signal);
    if (!fetched.ok) return fetched;
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    const unpacked = await unpack(zipPath, temporary, signal, await roomOn(this.#root, this.#keepFreeBytes));
    if (!unpacked.ok) {
      await rm(temporary, { recursive: true, force: true });
      // A download damaged by a power cut after its check would be refused forever, so remove it; an intact one stays.
      if (!signal.aborted && (await hashFile(zipPath, signal)) !== content.sha256) await rm(zipPath, { force: true });
      return unpacked;
    }
    // Written before the folder exists: one left by an earlier attempt at this zip holds the same hash, and anything else here is damage.
    await rm(hashPath(folder), { recursive: true, force: true });
    await writeDurably(hashPath(folder), `${unpacked.value.manifestSha256}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    await syncFolder(this.#root);
    await rm(zipPath, { force: true });
    return ok(unpacked.value.manifest);
  }

  /**
   * Zip and unpacked files exist side by side for a while, on the disk of the agent's own databases. The unpacked size is
   * not known yet; it is assumed to be at least the zip's. `unpack` checks again with the zip's list.
   */
  async #checkRoom(content: PackageContent, zipPath: string): Promise<Result<void>> {
    await mkdir(this.#root, { recursive: true });
    const haveBytes = Math.max(await sizeOf(zipPath), await sizeOf(`${zipPath}.part`));
    const neededBytes = content.bytes - Math.min(haveBytes, content.bytes) + content.bytes;
    const freeBytes = await (await roomOn(this.#root, this.#keepFreeBytes)).freeBytes();
    if (freeBytes >= neededBytes) return ok(undefined);
    return fail("content.disk", `the package needs ${neededBytes} bytes on disk; ${freeBytes} are available beyond what must stay free`, "free space in the data folder, or lower disk.keepFreeBytes");
  }

  /**
   * Removes partial downloads and unpackings of other packages: nobody will resume them, and a series of bad packages must
   * not fill the disk.
   */
  async #removeLeftovers(current: string): Promise<void> {
    const downloads = join(this.#root, "downloads");
    const folders = [[this.#root, /^[0-9a-f]{64}\.unpacking$/], [downloads, /^[0-9a-f]{64}\.zip(?:\.part)?$/]] as const;
    for (const [folder, pattern] of folders) {
      if (!(await exists(folder))) continue;
      for (const name of await readdir(folder)) {
        if (pattern.test(name) && !name.startsWith(current)) await rm(join(folder, name), { recursive: true, force: true });
      }
    }
  }

  /** Removes packages other than the current and the previous one. Failures are only logged. */
  async #removeOld(current: string): Promise<void> {
    try {
      const folders: { name: string; atMs: number }[] = [];
      const names = await readdir(this.#root);
      for (const name of names) {
        if (!/^[0-9a-f]{64}$/.test(name) || name === current) continue;
        folders.push({ name, atMs: (await stat(join(this.#root, name))).mtimeMs });
      }
      folders.sort((a, b) => b.atMs - a.atMs);
      for (const { name } of folders.slice(PACKAGES_KEPT - 1)) await rm(join(this.#root, name), { recursive: true, force: true });
      const kept = new Set([current, ...folders.slice(0, PACKAGES_KEPT - 1).map(({ name }) => name)]);
      for (const name of names) {
        if (/^[0-9a-f]{64}\.manifest(?:\.tmp)?$/.test(name) && !kept.has(name.slice(0, 64))) await rm(join(this.#root, name), { recursive: true, force: true });
      }
    } catch (thrown) {
      // Old packages cost space, not the picture.
      this.#log.warn({ error: messageOf(thrown) }, "old packages could not be removed");
    }
  }
}

function stageContent(content: PackageContent, folder: string, manifest: Manifest): Extract<StageContent, { kind: "package" }> {
  return {
    kind: "package",
    id: content.sha256,
    name: manifest.name,
    folder,
    entry: manifest.entry,
    grants: [...manifest.capabilities],
    allowedOrigins: [...manifest.allowedOrigins],
  };
}

/** When the package was unpacked, wall clock ms. A page loaded earlier may differ from what is in the folder now. */
async function unpackedMs(folder: string): Promise<number> {
  return Math.round((await stat(join(folder, MANIFEST_NAME))).mtimeMs);
}

/**
 * What is wrong with the manifest; `undefined` when it is as unpacked. Without the hash beside it the manifest is trusted:
 * a double fault is not worth a blank screen until the network is back.
 */
async function manifestDamaged(folder: string, signal: AbortSignal): Promise<string | undefined> {
  const kept = await readFile(hashPath(folder), "latin1").catch((thrown: unknown) => {
    // Missing, unreadable, or something else in its place.
    if (typeof (thrown as NodeJS.ErrnoException).code === "string") return "";
    throw thrown;
  });
  const sha256 = /^[0-9a-f]{64}\n$/.test(kept) ? kept.slice(0, 64) : undefined;
  if (sha256 === undefined || (await hashFile(join(folder, MANIFEST_NAME), signal)) === sha256) return undefined;
  return `${MANIFEST_NAME} differs from the published one`;
}

function hashPath(folder: string): string {
  return `${folder}.manifest`;
}

/** Path of the first file that does not match the manifest. */
async function firstDamaged(folder: string, manifest: Manifest, signal: AbortSignal): Promise<string | undefined> {
  for (const [path, sha256] of Object.entries(manifest.files)) {
    try {
      if ((await hashFile(join(folder, path), signal)) !== sha256) return `${path} differs from the published one`;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return `${path} cannot be read: ${messageOf(thrown)}`;
    }
  }
  return undefined;
}

/** 0 for a missing file. */
async function sizeOf(path: string): Promise<number> {
  return (await exists(path)) ? (await stat(path)).size : 0;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    // ENOTDIR: a file in place of a folder.
    if (["ENOENT", "ENOTDIR"].includes((thrown as { code?: string }).code ?? "")) return false;
    throw thrown;
  }
}
