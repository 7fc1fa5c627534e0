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
import type { Content } from "../../protocol/desired.ts";
import type { HttpSettings } from "../transport/http-exchange.ts";
import { diskErrorText } from "./disk-error-text.ts";
import { download, hashFile } from "./download.ts";
import { readManifest } from "./read-manifest.ts";
import { roomOn } from "./room.ts";
import { unpack } from "./unpack.ts";

type PackageContent = Extract<Content, { kind: "package" }>;

/** Packages kept on disk: the one that is shown and the one before it. */
const PACKAGES_KEPT = 2;

export interface PackageProviderDeps {
  /** The content folder; it is made when it is missing. */
  readonly root: string;
  /** Stay free on its disk. */
  readonly keepFreeBytes: number;
  /** The way out of the site's network, the same as the link's. */
  readonly http: HttpSettings;
  /** Addresses whose origins may reach the local network. */
  readonly localNetworkOrigins?: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Content on this machine's disk: `<content>/<sha256>/` is a package that was unpacked and checked as a
 * whole; a folder under that name is complete by construction (it is renamed into place). `<sha256>.manifest` beside it is the
 * hash of its manifest, which alone is not named by a manifest.
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
      // The schema looks at its form alone; a port of 99999, for one, has that.
      if (address === undefined) return fail("content.bad-address", `${content.url} is no address that a browser takes`, "check its host and port");
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
      if (signal.aborted) return fail("content.aborted", "the package was given up, because other content is wanted or the agent stops");
      return fail("content.disk", `the package could not be put in place: ${diskErrorText(thrown)}`, "free space in the data folder");
    }
  }

  #mayReachSite(address: string): boolean {
    return this.#localNetwork.has(parseUrl(address)?.origin ?? "");
  }

  /**
   * The package that is there already, every file of it hashed again, the manifest too: a card that rots makes white screens. One that is
   * damaged is fetched again; until then it stays, for it may be on the screen.
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

  /** A file in the place of our folder is damage, and nothing of ours is in it. */
  async #makeRoot(): Promise<void> {
    const found = await stat(this.#root).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code === "ENOENT") return undefined;
      throw thrown;
    });
    if (found?.isDirectory() === false) {
      this.#log.warn({ root: this.#root }, "there is something else than a folder in the place of the content; it is removed");
      await rm(this.#root, { force: true });
    }
    await mkdir(this.#root, { recursive: true });
  }

  /** Its time says when it was last wanted: the order in which packages are removed. */
  async #touch(folder: string): Promise<void> {
    try {
      const nowS = this.#clock.wallMs() / 1000;
      await utimes(folder, nowS, nowS);
    } catch (thrown) {
      // A disk that takes nothing: the package can still be shown.
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
      // A download that a power cut damaged after its check would be refused for ever; one that is as published stays.
      if (!signal.aborted && (await hashFile(zipPath, signal)) !== content.sha256) await rm(zipPath, { force: true });
      return unpacked;
    }
    // Before the folder is there: the hash belongs to the zip, so one that is left of a try before says the same.
    // Whatever else is in its place is damage.
    await rm(hashPath(folder), { recursive: true, force: true });
    await writeDurably(hashPath(folder), `${unpacked.value.manifestSha256}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    await syncFolder(this.#root);
    await rm(zipPath, { force: true });
    return ok(unpacked.value.manifest);
  }

  /**
   * The zip and what is in it lie side by side for a while; the agent's own databases live on the same disk. What is in the zip is
   * not known yet, only that it is hardly less than the zip; `unpack` looks again when it has read the zip's list.
   */
  async #checkRoom(content: PackageContent, zipPath: string): Promise<Result<void>> {
    await mkdir(this.#root, { recursive: true });
    const haveBytes = Math.max(await sizeOf(zipPath), await sizeOf(`${zipPath}.part`));
    const neededBytes = content.bytes - Math.min(haveBytes, content.bytes) + content.bytes;
    const freeBytes = await (await roomOn(this.#root, this.#keepFreeBytes)).freeBytes();
    if (freeBytes >= neededBytes) return ok(undefined);
    return fail("content.disk", `the package needs ${neededBytes} bytes of the disk; there are ${freeBytes} beside what must stay free`, "free space in the data folder, or lower disk.keepFreeBytes");
  }

  /** What other packages left half done: nobody will go on with it, and a run of bad packages must not fill the disk. */
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

  /** Space is kept by removing packages that are neither wanted nor the one wanted before it; a failure here is only logged. */
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
      // Old packages left behind cost space, not the picture.
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

/** When it was unpacked, to the millisecond: a page that was loaded before that is not what is in the folder now. */
async function unpackedMs(folder: string): Promise<number> {
  return Math.round((await stat(join(folder, MANIFEST_NAME))).mtimeMs);
}

/**
 * What is wrong with the manifest; `undefined`: it is as it was unpacked. Where the hash beside it is gone the manifest is
 * believed: two damages at once are not worth a screen that shows nothing until the network is there.
 */
async function manifestDamaged(folder: string, signal: AbortSignal): Promise<string | undefined> {
  const kept = await readFile(hashPath(folder), "latin1").catch((thrown: unknown) => {
    // Gone, or something else is in its place, or the card cannot read it.
    if (typeof (thrown as NodeJS.ErrnoException).code === "string") return "";
    throw thrown;
  });
  const sha256 = /^[0-9a-f]{64}\n$/.test(kept) ? kept.slice(0, 64) : undefined;
  if (sha256 === undefined || (await hashFile(join(folder, MANIFEST_NAME), signal)) === sha256) return undefined;
  return `${MANIFEST_NAME} is not as it was published`;
}

function hashPath(folder: string): string {
  return `${folder}.manifest`;
}

/** The first file that is not as the manifest says; the path, for people. */
async function firstDamaged(folder: string, manifest: Manifest, signal: AbortSignal): Promise<string | undefined> {
  for (const [path, sha256] of Object.entries(manifest.files)) {
    try {
      if ((await hashFile(join(folder, path), signal)) !== sha256) return `${path} is not as it was published`;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return `${path} cannot be read: ${messageOf(thrown)}`;
    }
  }
  return undefined;
}

/** 0 for what is not there. */
async function sizeOf(path: string): Promise<number> {
  return (await exists(path)) ? (await stat(path)).size : 0;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    // A file where a folder should be is as good as nothing.
    if (["ENOENT", "ENOTDIR"].includes((thrown as { code?: string }).code ?? "")) return false;
    throw thrown;
  }
}
