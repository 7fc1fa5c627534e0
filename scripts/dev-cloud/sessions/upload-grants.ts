import type { CloudMessage } from "../../../agent/protocol/cloud-messages.ts";
import type { DeviceMessageOf } from "../../../agent/protocol/device-messages.ts";
import { toBase64Url } from "../../../platform/runtime/encoding.ts";
import type { CommandRow, UploadRow } from "./cloud-store.ts";
import type { Commands } from "./commands.ts";
import type { CloudContext } from "./context.ts";

/** Largest single upload. */
export const UPLOAD_BYTES_MAX = 128 * 1024 * 1024;
const GRANT_LIFE_MS = 60 * 60_000;
/** Unfinished uploads per device. */
const OPEN_GRANTS_MAX = 16;

export interface GrantResult {
  readonly answer: CloudMessage;
  readonly upload?: UploadRow;
  readonly command?: CommandRow;
}

/** Decides which uploads are allowed. The server stores the bytes. */
export class UploadGrants {
  readonly #context: CloudContext;
  readonly #commands: Commands;
  /** Bytes still free for uploads. */
  readonly #freeBytes: () => number;

  constructor(context: CloudContext, commands: Commands, freeBytes: () => number) {
    this.#context = context;
    this.#commands = commands;
    this.#freeBytes = freeBytes;
  }

  /**
   * Call inside a transaction. A repeated request (after a reconnect) gets the same URL, so that the upload
   * resumes. Codes: `upload.too-large`, `upload.too-many`, `upload.full`, `upload.changed`, `upload.unclaimed`.
   */
  grant(device: string, request: DeviceMessageOf<"upload-request">): GrantResult {
    const { store, clock } = this.#context;
    const nowMs = clock.wallMs();
    const id = `${device}.${request.id}`;
    const before = store.upload(id);
    if (before !== undefined) return this.#again(before, request, nowMs);
    if (store.device(device)?.owner === undefined)
      return refuse(request, "upload.unclaimed", "the device is not claimed");
    if (request.bytes > UPLOAD_BYTES_MAX)
      return refuse(request, "upload.too-large", `${request.bytes} bytes; at most ${UPLOAD_BYTES_MAX} are allowed`);
    if (request.bytes > this.#freeBytes()) return refuse(request, "upload.full", "the development cloud has no space left for uploads");
    if (this.#openOf(device, nowMs) >= OPEN_GRANTS_MAX)
      return refuse(request, "upload.too-many", `this device already has ${OPEN_GRANTS_MAX} open uploads`);
    const command =
      request.command === undefined ? undefined : store.command(device, request.command.id, request.command.attempt);
    const upload: UploadRow = {
      id,
      device,
      request: request.id,
      token: toBase64Url(this.#context.random.bytes(24)),
      purpose: request.purpose,
      name: nameOf(request, nowMs),
      contentType: request.contentType,
      bytes: request.bytes,
      sha256: request.sha256,
      state: "waiting",
      createdMs: nowMs,
      expiresMs: nowMs + GRANT_LIFE_MS,
      internal: command?.internal ?? false,
      ...(request.command === undefined ? {} : { command: request.command }),
    };
    store.putUpload(upload);
    const linked = command === undefined ? undefined : this.#commands.addUpload(device, command.id, command.attempt, id);
    return { answer: this.#granted(upload, nowMs), upload, ...(linked === undefined ? {} : { command: linked }) };
  }

  #again(before: UploadRow, request: DeviceMessageOf<"upload-request">, nowMs: number): GrantResult {
    if (before.sha256 !== request.sha256 || before.bytes !== request.bytes) {
      return refuse(request, "upload.changed", "this id was already used for different content");
    }
    if (before.state === "complete") return { answer: this.#granted(before, nowMs) };
    const upload: UploadRow = {
      ...before,
      state: before.state === "receiving" ? "receiving" : "waiting",
      expiresMs: nowMs + GRANT_LIFE_MS,
    };
    this.#context.store.putUpload(upload);
    return { answer: this.#granted(upload, nowMs), upload };
  }

  #openOf(device: string, nowMs: number): number {
    const open = this.#context.store.uploads({ device, limit: 200, internal: true });
    return open.filter((upload) => (upload.state === "waiting" || upload.state === "receiving") && upload.expiresMs > nowMs)
      .length;
  }

  #granted(upload: UploadRow, nowMs: number): CloudMessage {
    return {
      t: "upload-grant",
      id: upload.request,
      url: `${this.#context.settings.httpBase}/upload/${upload.token}`,
      name: upload.name,
      expiresInMs: Math.max(0, upload.expiresMs - nowMs),
    };
  }
}

function refuse(request: DeviceMessageOf<"upload-request">, code: string, message: string): GrantResult {
  return { answer: { t: "upload-refused", id: request.id, code, message } };
}

function nameOf(request: DeviceMessageOf<"upload-request">, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  return `${request.purpose}-${stamp}.${EXTENSIONS.get(request.contentType) ?? "bin"}`;
}

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["image/png", "png"],
  ["image/jpeg", "jpg"],
  ["application/zip", "zip"],
  ["application/gzip", "gz"],
  ["text/plain", "txt"],
  ["application/json", "json"],
  ["application/x-ndjson", "ndjson"],
]);
