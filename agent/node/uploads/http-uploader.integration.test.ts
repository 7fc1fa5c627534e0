import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import type { Timers } from "../../../platform/ports/clock.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import type { CloudMessageOf } from "../../protocol/cloud-messages.ts";
import { close, listen } from "../transport/testing/loopback-world.ts";
import { DEFAULT_UPLOAD_POLICY, HttpUploader, type UploadPolicy } from "./http-uploader.ts";

const QUICK: UploadPolicy = { ...DEFAULT_UPLOAD_POLICY, retry: { firstMs: 2, factor: 1, capMs: 2, floorMs: 1 }, retryAfterMaxMs: 5, idleTimeoutMs: 5_000 };
type Handler = (request: IncomingMessage, response: ServerResponse, store: Store) => void;

/** A server that stores uploads as the protocol describes, unless a scripted answer comes first. */
class Store {
  readonly seen: string[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  script: Handler[] = [];
  bytes = Buffer.alloc(0);
  grants = 0;
  total = 0;
  refuse: Result<never>[] = [];
  grantHeaders: Record<string, string> = {};
  /** Overrides its own address. */
  address: string | undefined;
  readonly server: Server;
  #port = 0;

  constructor() {
    this.server = createServer((request, response) => {
      this.seen.push(`${request.method} ${request.headers["content-range"] ?? ""}`.trim());
      this.headers.push(request.headers);
      const scripted = this.script.shift();
      if (scripted !== undefined) scripted(request, response, this);
      else this.answer(request, response);
    });
  }

  async start(): Promise<void> {
    this.#port = await listen(this.server);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === "HEAD") {
      response.writeHead(200, { "upload-offset": String(this.bytes.length) }).end();
      return;
    }
    const from = Number(/^bytes (\d+)-/.exec(request.headers["content-range"] ?? "")?.[1]);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      this.bytes = Buffer.concat([this.bytes.subarray(0, from), ...chunks]);
      response.writeHead(this.bytes.length === this.total ? 201 : 202).end();
    });
  }

  /** Accepts `count` bytes of a PUT, then breaks the connection. */
  cutAfter(count: number): Handler {
    return (request) => {
      request.on("data", (chunk: Buffer) => {
        this.bytes = Buffer.concat([this.bytes, chunk]).subarray(0, count);
        if (this.bytes.length >= count) request.socket.destroy();
      });
      request.on("error", () => {});
    };
  }

  async requestUpload(request: { bytes: number }): Promise<Result<CloudMessageOf<"upload-grant">>> {
    const refusal = this.refuse.shift();
    if (refusal !== undefined) return refusal;
    this.grants += 1;
    this.total = request.bytes;
    const url = this.address ?? `http://127.0.0.1:${this.#port}/upload/${this.grants}`;
    return ok({ t: "upload-grant", id: "u", url, name: "kept-as", expiresInMs: 60_000, headers: this.grantHeaders });
  }
}

const status = (code: number, headers: Record<string, string> = {}): Handler => (request, response) => {
  request.resume();
  response.writeHead(code, headers).end();
};

const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) {
    store.server.closeAllConnections();
    await close(store.server);
  }
});

async function make(timers: Timers = new SystemTimers()): Promise<{ store: Store; uploader: HttpUploader }> {
  const store = new Store();
  stores.push(store);
  await store.start();
  const uploader = new HttpUploader({ link: store, clock: systemClock, timers, random: new SeededRandom(1), log: silentLog, http: {}, policy: QUICK });
  return { store, uploader };
}

const bytes = new Uint8Array(Buffer.alloc(300_000, "picture "));
const upload = { purpose: "screenshot", contentType: "image/jpeg", bytes } as const;
const sha256 = createHash("sha256").update(bytes).digest("hex");

describe("uploads over HTTP", () => {
  test("sends everything at once, with its hash, and returns the cloud's name for it", async () => {
    const { store, uploader } = await make();
    store.grantHeaders = { authorization: "Bearer x", "Content-Range": "bytes 0-0/1", host: "elsewhere" };
    expect(await uploader.upload(upload)).toEqual(ok({ name: "kept-as", sha256, bytes: bytes.length }));
    expect(store.seen).toEqual(["PUT"]);
    expect(store.headers[0]).toMatchObject({ authorization: "Bearer x", "content-type": "image/jpeg" });
    expect(store.headers[0]?.host).toMatch(/^127\.0\.0\.1/);
    expect(store.bytes.equals(Buffer.from(bytes))).toBe(true);
  });

  test("resumes after a broken connection", async () => {
    const { store, uploader } = await make();
    store.script = [store.cutAfter(100_000)];
    expect((await uploader.upload(upload)).ok).toBe(true);
    expect(store.seen).toEqual(["PUT", "HEAD", `PUT bytes 100000-${bytes.length - 1}/${bytes.length}`]);
    expect(store.bytes.equals(Buffer.from(bytes))).toBe(true);
    expect(store.grants).toBe(1);
  });

  test("sends the last byte again when everything arrived but was not confirmed", async () => {
    const { store, uploader } = await make();
    store.script = [store.cutAfter(bytes.length)];
    expect((await uploader.upload(upload)).ok).toBe(true);
    expect(store.seen.at(-1)).toBe(`PUT bytes ${bytes.length - 1}-${bytes.length - 1}/${bytes.length}`);
  });

  test("requests a new address when the old one is gone, and starts over", async () => {
    const { store, uploader } = await make();
    store.script = [status(503, { "retry-after": "1" }), status(410)];
    expect((await uploader.upload(upload)).ok).toBe(true);
    expect(store.grants).toBe(2);
    expect(store.seen).toEqual(["PUT", "HEAD", "PUT"]);
  });

  test("starts over after a hash mismatch or an invalid offset", async () => {
    const { store, uploader } = await make();
    store.script = [status(422), status(200, { "upload-offset": "-5" })];
    expect((await uploader.upload(upload)).ok).toBe(true);
    expect(store.seen.at(-1)).toBe("PUT");
  });

  test.each([400, 405, 501])("sends the whole upload to a server without partial uploads (HTTP %i for a part)", async (code) => {
    const { store, uploader } = await make();
    store.script = [store.cutAfter(100_000), (_, response) => response.writeHead(200, { "upload-offset": "100000" }).end(), status(code), (_, response) => response.writeHead(503).end()];
    expect((await uploader.upload(upload)).ok).toBe(true);
    expect(store.seen).toEqual(["PUT", "HEAD", `PUT bytes 100000-${bytes.length - 1}/${bytes.length}`, "PUT", "PUT"]);
    expect(store.bytes.equals(Buffer.from(bytes))).toBe(true);
  });

  test.each([400, 405])("starts over at a server that cannot report its offset (HTTP %i to HEAD)", async (code) => {
    const { store, uploader } = await make();
    store.script = [store.cutAfter(100_000), status(code)];
    expect((await uploader.upload(upload)).ok).toBe(true);
    expect(store.seen).toEqual(["PUT", "HEAD", "PUT"]);
  });

  test("sends nothing and does not retry for a grant with a forbidden host or header", async () => {
    const { store, uploader } = await make();
    store.address = "https://evil.example/upload/1";
    expect(await uploader.upload(upload)).toMatchObject({ ok: false, error: { code: "upload.grant-refused", message: expect.stringContaining("evil.example") as string } });
    store.address = undefined;
    store.grantHeaders = { "x-forwarded-for": "127.0.0.1" };
    expect(await uploader.upload(upload)).toMatchObject({ ok: false, error: { code: "upload.grant-refused", message: expect.stringContaining("x-forwarded-for") as string } });
    expect(store.seen).toEqual([]);
  });

  test("waits for an offline link; a refusal by the cloud is final", async () => {
    const { store, uploader } = await make();
    store.refuse = [fail("link.offline", "no session"), fail("upload.timeout", "late")];
    expect((await uploader.upload(upload)).ok).toBe(true);
    store.refuse = [fail("upload.grant-refused", "no room")];
    expect(await uploader.upload(upload)).toEqual(fail("upload.grant-refused", "no room"));
  });

  test("gives up after too many attempts without progress, and reports why", async () => {
    const { store, uploader } = await make();
    store.script = Array.from({ length: 20 }, () => status(500));
    const result = await uploader.upload(upload);
    expect(result.ok ? undefined : result.error.code).toBe("upload.failed");
    expect(result.ok ? "" : result.error.message).toContain("HTTP 500");
    expect(store.seen).toHaveLength(QUICK.fruitlessMax);
    store.script = [status(400)];
    expect(await uploader.upload(upload)).toMatchObject({ ok: false, error: { code: "upload.http-400" } });
    store.refuse = Array.from({ length: 20 }, () => fail("link.offline", "no session"));
    expect(await uploader.upload(upload)).toMatchObject({ ok: false, error: { code: "link.offline" } });
  });

  test("ends at the deadline when the server never answers, and at once when canceled", async () => {
    const time = new VirtualTime();
    const { store, uploader } = await make(time);
    store.script = [(request) => request.resume()];
    const stuck = uploader.upload(upload);
    await expect.poll(() => store.seen.length).toBe(1);
    await time.advance(QUICK.totalMs);
    expect(await stuck).toMatchObject({ ok: false, error: { code: "upload.timeout" } });
    const cancel = new AbortController();
    const running = (await make()).uploader.upload(upload, cancel.signal);
    cancel.abort();
    expect(await running).toMatchObject({ ok: false, error: { code: "upload.aborted" } });
  });

  test("an address or header that cannot be sent is an error value, not an exception", async () => {
    const { store, uploader } = await make();
    store.grantHeaders = { "x-bad": "line\nfeed" };
    expect(await uploader.upload(upload)).toMatchObject({ ok: false, error: { code: "upload.failed" } });
    expect(await uploader.upload({ ...upload, bytes: new Uint8Array() })).toMatchObject({ ok: false, error: { code: "upload.empty" } });
  });
});
