import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { dirname } from "node:path";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { diskErrorText } from "./disk-error-text.ts";
import { reachOf, type Reach } from "../transport/address-reach.ts";
import { openHttp, type HttpSettings, type OpenAnswer } from "../transport/http-exchange.ts";
import { proxyFor } from "../transport/proxy-tunnel.ts";

export interface Download {
  readonly url: string;
  /** Expected SHA-256 of the finished file, hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Path of the finished file; `<to>.part` holds a partial download. */
  readonly to: string;
  /** Redirects may lead to the site's network and to this machine: the owner listed the origin in `player.localNetworkOrigins`. */
  readonly localNetwork?: boolean;
  /** Called with the bytes on disk as they come. */
  readonly onProgress?: (bytes: number) => void;
}

/** A server silent for this long is considered gone; the next attempt continues where this one stopped. */
const IDLE_TIMEOUT_MS = 60_000;
const REDIRECTS_MAX = 5;

/**
 * Downloads a file with the link's proxy and certificates, resuming a partial download if the server supports ranges. The
 * file gets its final name only when its length and hash are right. Errors: `content.unreachable`,
 * `content.hash-mismatch`, `content.disk`, `content.aborted`.
 */
export async function download(job: Download, http: HttpSettings, signal: AbortSignal): Promise<Result<void>> {
  const part = `${job.to}.part`;
  try {
    await mkdir(dirname(job.to), { recursive: true });
    const fetched = await fetchRest(job, part, http, signal);
    if (!fetched.ok) return fetched;
    const hash = await hashFile(part, signal);
    if (hash !== job.sha256) {
      await rm(part, { force: true });
      return fail("content.hash-mismatch", `${job.url} has SHA-256 ${hash}, wanted ${job.sha256}`, "publish the package again with the hash of the served file");
    }
    await rename(part, job.to);
    return ok(undefined);
  } catch (thrown) {
    if (signal.aborted) return fail("content.aborted", `the download of ${job.url} was aborted`);
    return fail("content.disk", `the download of ${job.url} could not be written: ${diskErrorText(thrown)}`, "free space in the data folder");
  }
}

async function fetchRest(job: Download, part: string, http: HttpSettings, signal: AbortSignal): Promise<Result<void>> {
  const have = await sizeOf(part);
  if (have === job.bytes) return ok(undefined);
  if (have > job.bytes) await rm(part, { force: true });
  const from = have < job.bytes ? have : 0;
  const answer = await request(job, from, http, signal);
  if (!answer.ok) return answer;
  const response = answer.value;
  const continued = response.statusCode === 206;
  if (!continued && response.statusCode !== 200) {
    response.destroy();
    return fail("content.unreachable", `${job.url} answered ${response.statusCode ?? "nothing"}`);
  }
  if (continued && !beginsAt(response, from)) {
    response.destroy();
    await rm(part, { force: true });
    return fail("content.unreachable", `${job.url} sent a different part than requested (${response.headers["content-range"] ?? ""})`);
  }
  return write(job, part, response, continued ? from : 0);
}

async function write(job: Download, part: string, response: IncomingMessage, from: number): Promise<Result<void>> {
  const file = await open(part, from > 0 ? "a" : "w");
  try {
    let size = from;
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > job.bytes) return fail("content.hash-mismatch", `${job.url} is longer than the expected ${job.bytes} bytes`);
      await file.appendFile(chunk);
      job.onProgress?.(size);
    }
    await file.sync();
    if (size < job.bytes) return fail("content.unreachable", `${job.url} ended after ${size} of ${job.bytes} bytes`);
    return ok(undefined);
  } catch (thrown) {
    if (isDiskError(thrown)) throw thrown;
    return fail("content.unreachable", `${job.url} could not be fetched: ${messageOf(thrown)}`);
  } finally {
    response.destroy();
    await file.close();
  }
}

/**
 * Requests the bytes from `from` on and follows redirects, but never from https to http, and never to an address nearer
 * than the redirecting server: a package server elsewhere has no business with services on the site or on this machine.
 */
async function request({ url: address, localNetwork = false }: Download, from: number, http: HttpSettings, signal: AbortSignal): Promise<Result<IncomingMessage>> {
  // The hash is over the stored bytes, so no compression in transit.
  const headers = { "accept-encoding": "identity", ...(from > 0 && { range: `bytes=${from}-` }) };
  let url = address;
  let nearest: Reach | undefined;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const answer = await openHttp({ method: "GET", url, headers, idleTimeoutMs: IDLE_TIMEOUT_MS, ...(nearest !== undefined && { nearest }), signal }, http);
    if (!answer.ok) {
      const { code, message, hint } = answer.error;
      if (code === "http.too-near") return fail("content.unreachable", `${address} redirects to a nearer network, which is not followed: ${message}`, "serve the package without this redirect, or list its origin in player.localNetworkOrigins");
      return fail("content.unreachable", `${address} could not be fetched: ${message} (${code})`, hint);
    }
    const { response } = answer.value;
    const next = redirectOf(answer.value);
    if (next === undefined) return ok(response);
    response.destroy();
    if (answer.value.url.protocol === "https:" && next.protocol !== "https:") return fail("content.unreachable", `${address} redirects from https to ${next.protocol}//, which is not followed`);
    if (!localNetwork) nearest = reachedBy(answer.value, http);
    url = next.href;
  }
  return fail("content.unreachable", `${address} redirects more than ${REDIRECTS_MAX} times`);
}

function redirectOf({ url, response }: OpenAnswer): URL | undefined {
  const { location } = response.headers;
  if (location === undefined || ![301, 302, 303, 307, 308].includes(response.statusCode ?? 0)) return undefined;
  return URL.parse(location, url.href) ?? undefined;
}

/** Where the answer came from. Behind a proxy only the requested address can tell; a name counts as internet. */
function reachedBy({ url, response }: OpenAnswer, http: HttpSettings): Reach {
  const asked = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(asked) !== 0) return reachOf(asked);
  const { remoteAddress } = response.socket;
  return proxyFor(url, http) !== undefined || remoteAddress === undefined ? "internet" : reachOf(remoteAddress);
}

/** Without a Content-Range the server is trusted; the hash decides. */
function beginsAt(response: IncomingMessage, from: number): boolean {
  const start = /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1];
  return start === undefined || Number(start) === from;
}

function isDiskError(thrown: unknown): boolean {
  const code = (thrown as { code?: string } | null)?.code;
  return code === "ENOSPC" || code === "EROFS" || code === "EIO" || code === "EDQUOT";
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    // No partial download yet.
    if ((thrown as { code?: string }).code === "ENOENT") return 0;
    throw thrown;
  }
}

/** SHA-256 of a file, lower-case hex. Throws when the file cannot be read or the signal aborts. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
