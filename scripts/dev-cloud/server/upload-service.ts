import type { IncomingMessage, ServerResponse } from "node:http";
import type { Cloud } from "../sessions/cloud.ts";
import type { UploadRow } from "../sessions/cloud-store.ts";
import { ApiError, apiError } from "./api-error.ts";
import { sendNothing, type Exchange } from "./exchange.ts";
import type { UploadFiles } from "./upload-files.ts";

/** Live pictures kept per device. */
const INTERNAL_KEPT = 3;
/** Other complete uploads kept per device. */
const KEPT = 100;

/** Receives uploads from devices over HTTP and prunes old ones. */
export class UploadService {
  readonly #cloud: Cloud;
  readonly #files: UploadFiles;
  /** Current writer per upload. Only one at a time: after a reconnect, an older request may still be open. */
  readonly #writing = new Map<string, { readonly request: IncomingMessage; readonly done: Promise<void> }>();

  constructor(cloud: Cloud, files: UploadFiles) {
    this.#cloud = cloud;
    this.#files = files;
  }

  offset(upload: UploadRow): number {
    return this.#files.offset(upload.id);
  }

  /** `HEAD /upload/TOKEN`: bytes received so far. Throws 404 `upload.unknown`, 410 `upload.expired`. */
  head({ params, response }: Exchange): void {
    const upload = this.#find(params["token"] ?? "");
    const offset = upload.state === "complete" ? upload.bytes : this.#files.offset(upload.id);
    response.writeHead(200, { "upload-offset": offset, "upload-length": upload.bytes, "cache-control": "no-store" });
    response.end();
  }

  /**
   * `PUT /upload/TOKEN`, whole or a range: 201 when complete, 202 when more is to come, 200 when it was complete before.
   * Throws as `head` does, 416 `upload.bad-range`, 422 `upload.hash-mismatch`, 507 `uploads.full`.
   */
  async put({ params, request, response }: Exchange): Promise<void> {
    const upload = this.#find(params["token"] ?? "");
    if (upload.state === "complete") {
      request.resume();
      response.setHeader("upload-offset", upload.bytes);
      sendNothing(response, 200);
      return;
    }
    const start = rangeStart(request, upload);
    const before = this.#writing.get(upload.id);
    before?.request.destroy();
    const work = (before?.done ?? Promise.resolve()).then(() => this.#receive(upload, start, request, response));
    const mine = {
      request,
      done: work.then(
        () => {},
        () => {},
      ),
    };
    this.#writing.set(upload.id, mine);
    try {
      await work;
    } catch (thrown) {
      // The connection broke: the received bytes are kept, and the device asks where to resume.
      if (request.complete || thrown instanceof ApiError) throw thrown;
      response.destroy();
    } finally {
      if (this.#writing.get(upload.id) === mine) this.#writing.delete(upload.id);
    }
  }

  /** Removes only the files, for a device whose rows are already removed. */
  removeFiles(uploads: readonly UploadRow[]): void {
    for (const upload of uploads) this.#files.remove(upload.id);
  }

  read(upload: UploadRow): ReturnType<UploadFiles["read"]> {
    return this.#files.read(upload.id);
  }

  /** Removes complete uploads beyond the caps and expired incomplete ones. */
  prune(device: string): void {
    const { store, clock } = this.#cloud.context;
    const nowMs = clock.wallMs();
    const all = store.uploads({ device, limit: 10_000, internal: true });
    const done = all.filter((upload) => upload.state === "complete");
    const over = [
      ...done.filter((upload) => upload.internal).slice(INTERNAL_KEPT),
      ...done.filter((upload) => !upload.internal).slice(KEPT),
    ];
    const dead = all.filter((upload) => upload.state !== "complete" && upload.expiresMs <= nowMs);
    if (over.length + dead.length === 0) return;
    store.transaction(() => {
      for (const upload of over) store.removeUpload(upload.id);
      for (const upload of dead) store.removeUpload(upload.id);
      store.addToCounter("pruned.uploads", over.length);
    });
    for (const upload of [...over, ...dead]) this.#files.remove(upload.id);
  }

  async #receive(upload: UploadRow, start: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const appended = await this.#files.append(upload.id, start, upload.bytes, request as AsyncIterable<Uint8Array>);
    if (!appended.ok) {
      request.resume();
      const status = appended.error.code === "uploads.full" ? 507 : 416;
      throw new ApiError(status, appended.error, {
        headers: { "upload-offset": String(this.#files.offset(upload.id)), connection: "close" },
      });
    }
    if (appended.value < upload.bytes) {
      this.#save(upload, { state: "receiving" });
      response.setHeader("upload-offset", appended.value);
      sendNothing(response, 202);
      return;
    }
    this.#current(upload);
    if ((await this.#files.sha256(upload.id)) !== upload.sha256) {
      this.#files.remove(upload.id);
      this.#changed(upload, { state: "waiting" });
      throw new ApiError(422, {
        code: "upload.hash-mismatch",
        message: "the bytes do not have the announced SHA-256 and were discarded",
        hint: "send it again from the start",
      });
    }
    this.#changed(upload, { state: "complete", completedMs: this.#cloud.context.clock.wallMs() });
    this.prune(upload.device);
    response.setHeader("upload-offset", upload.bytes);
    sendNothing(response, 201);
  }

  #find(token: string): UploadRow {
    const upload = this.#cloud.context.store.uploadByToken(token);
    if (upload === undefined) throw unknownUpload();
    if (upload.state !== "complete" && upload.expiresMs <= this.#cloud.context.clock.wallMs()) {
      throw new ApiError(410, {
        code: "upload.expired",
        message: "this URL has expired",
        hint: "request it again with the same id",
      });
    }
    return upload;
  }

  /** The row as it is now. Throws 404 `upload.unknown`, and removes the bytes, when it was removed meanwhile. */
  #current({ id, token }: UploadRow): UploadRow {
    const now = this.#cloud.context.store.upload(id);
    // A device that was forgotten and came back may have been granted the same id with another token.
    if (now?.token !== token) {
      if (now === undefined) this.#files.remove(id);
      throw unknownUpload();
    }
    return now;
  }

  #save(upload: UploadRow, change: Partial<UploadRow>): UploadRow {
    const { store } = this.#cloud.context;
    const changed = { ...this.#current(upload), ...change };
    store.transaction(() => store.putUpload(changed));
    return changed;
  }

  #changed(before: UploadRow, change: Partial<UploadRow>): void {
    const upload = this.#save(before, change);
    this.#cloud.context.emit({ t: "upload", upload });
    if (upload.purpose === "screenshot") this.#cloud.context.emit({ t: "device", device: upload.device });
  }
}

function unknownUpload(): ApiError {
  return apiError({ code: "upload.unknown", message: "this URL was never granted, or its upload no longer exists" });
}

function rangeStart(request: IncomingMessage, upload: UploadRow): number {
  const header = request.headers["content-range"];
  if (header === undefined) return 0;
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header);
  const [from, to, total] = (match?.slice(1) ?? []).map(Number);
  if (from === undefined || to === undefined || total !== upload.bytes || to < from || to >= upload.bytes) {
    throw new ApiError(
      416,
      { code: "upload.bad-range", message: `content-range must be "bytes FROM-TO/${upload.bytes}"` },
      { headers: { connection: "close" } },
    );
  }
  return from;
}
