import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync, type ReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fail, ok, type Result } from "../../tool-result.ts";

/** Uploaded bytes on disk: one file per upload, named by the hash of its id. */
export class UploadFiles {
  readonly #folder: string;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(folder: string, bytesMax: number) {
    this.#folder = folder;
    this.#bytesMax = bytesMax;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) this.#bytes += statSync(join(folder, name)).size;
  }

  freeBytes(): number {
    return Math.max(0, this.#bytesMax - this.#bytes);
  }

  /** Bytes received so far. */
  offset(id: string): number {
    return statSync(this.#path(id), { throwIfNoEntry: false })?.size ?? 0;
  }

  /**
   * Appends `chunks`, which begin at `start`. Bytes below the current offset are skipped, since a device may repeat
   * them. Returns the new offset. Codes: `upload.bad-range`, `uploads.full`.
   */
  async append(id: string, start: number, bytesMax: number, chunks: AsyncIterable<Uint8Array>): Promise<Result<number>> {
    const offset = this.offset(id);
    if (start > offset)
      return fail(
        "upload.bad-range",
        `only ${offset} bytes have arrived; a range from ${start} leaves a hole`,
        "send HEAD and continue from Upload-Offset",
      );
    const file = await open(this.#path(id), "a", 0o600);
    let skip = offset - start;
    let at = offset;
    try {
      for await (const chunk of chunks) {
        const fresh = skip >= chunk.length ? undefined : chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
        if (fresh === undefined) continue;
        if (at + fresh.length > bytesMax) return fail("upload.bad-range", `more bytes than the ${bytesMax} announced`);
        if (fresh.length > this.freeBytes()) return fail("uploads.full", "the development cloud has no space left for uploads");
        await file.write(fresh);
        at += fresh.length;
        this.#bytes += fresh.length;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    return ok(at);
  }

  /** SHA-256 of the received bytes, hex. */
  async sha256(id: string): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(this.#path(id)) as AsyncIterable<Buffer>) hash.update(chunk);
    return hash.digest("hex");
  }

  read(id: string): ReadStream {
    return createReadStream(this.#path(id));
  }

  remove(id: string): void {
    this.#bytes -= this.offset(id);
    rmSync(this.#path(id), { force: true });
  }

  /** Ids come from devices; their hash is a safe file name of fixed length. */
  #path(id: string): string {
    return join(this.#folder, createHash("sha256").update(id).digest("hex").slice(0, 40));
  }
}
