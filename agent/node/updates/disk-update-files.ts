import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import type { FileToFetch, KeptPicture, UpdateFiles } from "../../core/updates/update-files.ts";
import { diskErrorText } from "../content/disk-error-text.ts";
import { download, hashFile } from "../content/download.ts";
import { roomOn } from "../content/room.ts";
import type { HttpSettings } from "../transport/http-exchange.ts";

const PICTURES = [["last-picture.jpg", "image/jpeg"], ["last-picture.png", "image/png"]] as const;

export interface DiskUpdateFilesDeps {
  /** `<data>/updates`. */
  readonly folder: string;
  readonly keepFreeBytes: number;
  readonly http: HttpSettings;
}

/** Downloads of releases in the agent's data folder, resumed over restarts and reboots. */
export class DiskUpdateFiles implements UpdateFiles {
  readonly #deps: DiskUpdateFilesDeps;

  constructor(deps: DiskUpdateFilesDeps) {
    this.#deps = deps;
  }

  async fetch({ url, bytes, sha256 }: FileToFetch, progress: (bytes: number) => void, signal: AbortSignal, alsoWanted: readonly string[] = []): Promise<Result<string>> {
    const { folder, http, keepFreeBytes } = this.#deps;
    const to = join(folder, sha256);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await this.#removeOthers([sha256, ...alsoWanted]);
      if (await readIfWhole(to, sha256, signal)) return ok(to);
      // The updater copies and unpacks it on this disk or another one, and checks that itself.
      const freeBytes = await (await roomOn(folder, keepFreeBytes)).freeBytes();
      if (freeBytes < bytes) return fail("content.disk", `the release needs ${bytes} bytes on disk; ${freeBytes} are available beyond what must stay free`, "free space in the data folder, or lower disk.keepFreeBytes");
      const fetched = await download({ url, sha256, bytes, to, onProgress: progress }, http, signal);
      return fetched.ok ? ok(to) : fetched;
    } catch (thrown) {
      if (signal.aborted) return fail("content.aborted", "the download of the release was stopped");
      return fail("content.disk", `the release could not be stored: ${diskErrorText(thrown)}`, "free space in the data folder");
    }
  }

  async keepPicture({ bytes, contentType }: KeptPicture): Promise<Result<void>> {
    const { folder } = this.#deps;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const [name, type] of PICTURES) {
        if (type === contentType) await writeFile(join(folder, name), bytes, { mode: 0o600 });
        else await rm(join(folder, name), { force: true });
      }
      return ok(undefined);
    } catch (thrown) {
      return fail("content.disk", `the picture could not be stored: ${diskErrorText(thrown)}`);
    }
  }

  async picture(): Promise<KeptPicture | undefined> {
    for (const [name, contentType] of PICTURES) {
      const path = join(this.#deps.folder, name);
      if (existsSync(path)) return { bytes: await readFile(path), contentType };
    }
    return undefined;
  }

  async clear(): Promise<void> {
    await rm(this.#deps.folder, { recursive: true, force: true });
  }

  /** A release that is no longer wanted, such as that of a canceled update, is never resumed. */
  async #removeOthers(wanted: readonly string[]): Promise<void> {
    for (const name of await readdir(this.#deps.folder)) {
      if (wanted.some((sha256) => name.startsWith(sha256)) || PICTURES.some(([picture]) => picture === name)) continue;
      await rm(join(this.#deps.folder, name), { force: true });
    }
  }
}

async function readIfWhole(path: string, sha256: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await hashFile(path, signal)) === sha256;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw thrown;
  }
}
