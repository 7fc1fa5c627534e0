import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DesiredDocument } from "../../../agent/protocol/desired.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** The sample player: a folder of static files and, inside or beside it, the same as a zip package. */
export class SampleContent {
  readonly folder: string | undefined;
  readonly #zip: string | undefined;
  #hashed: { readonly file: string; readonly mtimeMs: number; readonly sha256: string; readonly bytes: number } | undefined;

  constructor(folder: string | undefined) {
    this.folder = folder !== undefined && existsSync(join(folder, "index.html")) ? folder : undefined;
    this.#zip = folder === undefined ? undefined : [join(folder, "sample.zip"), `${folder}.zip`].find((file) => existsSync(file));
  }

  get zip(): string | undefined {
    return this.#zip;
  }

  /** As returned by `/api/v1/info`. `base`: URL of the API; `origin`: of the sample's own server. */
  info(base: string, origin: string): JsonObject | null {
    if (this.folder === undefined) return null;
    const zip = this.#package();
    return {
      url: `${origin}/`,
      package: zip === undefined ? null : { url: `${base}/sample.zip`, sha256: zip.sha256, bytes: zip.bytes },
    };
  }

  /** Desired document for newly claimed devices. Prefers the package, which keeps playing through any outage. */
  defaultDesired(base: string, origin: string): DesiredDocument | undefined {
    if (this.folder === undefined) return undefined;
    const zip = this.#package();
    if (zip !== undefined)
      return {
        content: { kind: "package", url: `${base}/sample.zip`, name: "Sample player", sha256: zip.sha256, bytes: zip.bytes },
      };
    return { content: { kind: "url", url: `${origin}/`, name: "Sample player", grants: ["gpio"] } };
  }

  /** Hashes the zip once, and again after it was rebuilt. */
  #package(): { readonly sha256: string; readonly bytes: number } | undefined {
    const file = this.#zip;
    const stat = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
    if (file === undefined || stat === undefined) return undefined;
    if (this.#hashed?.file !== file || this.#hashed.mtimeMs !== stat.mtimeMs) {
      const content = readFileSync(file);
      this.#hashed = {
        file,
        mtimeMs: stat.mtimeMs,
        sha256: createHash("sha256").update(content).digest("hex"),
        bytes: content.length,
      };
    }
    return this.#hashed;
  }
}
