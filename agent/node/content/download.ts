import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";

export interface Download {
  readonly url: string;
  /** SHA-256 in hex the finished file must have. */
  readonly sha256: string;
  readonly bytes: number;
  /** Where the finished file goes; `<to>.part` holds what is there so far. */
  readonly to: string;
}

/**
 * Fetches a file into place, continuing a broken download where the server can send ranges. The file
 * appears under its name only when its length and hash are right. Errors: `content.unreachable`,
 * `content.hash-mismatch`, `content.disk`.
 */
export async function download(job: Download, signal: AbortSignal): Promise<Result<void>> {
  const part = `${job.to}.part`;
  try {
    await mkdir(dirname(job.to), { recursive: true });
    const fetched = await fetchRest(job, part, signal);
    if (!fetched.ok) return fetched;
    const hash = await hashFile(part);
    if (hash !== job.sha256) {
      await rm(part, { force: true });
      return fail("content.hash-mismatch", `${job.url} has SHA-256 ${hash}, wanted ${job.sha256}`, "publish the package again with the hash of what is served");
    }
    await rename(part, job.to);
    return ok(undefined);
  } catch (thrown) {
    return fail("content.disk", `the download of ${job.url} could not be written: ${messageOf(thrown)}`, "free space in the data folder");
  }
}

async function fetchRest(job: Download, part: string, signal: AbortSignal): Promise<Result<void>> {
  const have = await sizeOf(part);
  if (have === job.bytes) return ok(undefined);
  if (have > job.bytes) await rm(part, { force: true });
  const from = have < job.bytes ? have : 0;
  let response: Response;
  try {
    response = await fetch(job.url, { signal, headers: from > 0 ? { range: `bytes=${from}-` } : {} });
  } catch (thrown) {
    return unreachable(job.url, thrown);
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    return fail("content.unreachable", `${job.url} answered ${response.status}`);
  }
  const file = await open(part, response.status === 206 ? "a" : "w");
  try {
    let size = response.status === 206 ? from : 0;
    for await (const chunk of bodyOf(response)) {
      size += chunk.length;
      if (size > job.bytes) return fail("content.hash-mismatch", `${job.url} is longer than the ${job.bytes} bytes it should have`);
      await file.appendFile(chunk);
    }
    await file.sync();
    if (size < job.bytes) return fail("content.unreachable", `${job.url} ended after ${size} of ${job.bytes} bytes`);
    return ok(undefined);
  } catch (thrown) {
    if (isDiskError(thrown)) throw thrown;
    return unreachable(job.url, thrown);
  } finally {
    await file.close();
  }
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const chunk = (await reader.read()) as { readonly done: boolean; readonly value?: Uint8Array };
      if (chunk.done || chunk.value === undefined) return;
      yield chunk.value;
    }
  } finally {
    // Whoever stops reading early lets go of the connection. A stream that broke says so again here; that was said already.
    await reader.cancel().catch(() => undefined);
  }
}

function unreachable(url: string, thrown: unknown): Result<void> {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? ` (${thrown.cause.message})` : "";
  return fail("content.unreachable", `${url} could not be fetched: ${messageOf(thrown)}${cause}`);
}

function isDiskError(thrown: unknown): boolean {
  const code = (thrown as { code?: string } | null)?.code;
  return code === "ENOSPC" || code === "EROFS" || code === "EIO" || code === "EDQUOT";
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    // Not there yet: the download begins at its start.
    if ((thrown as { code?: string }).code === "ENOENT") return 0;
    throw thrown;
  }
}

/** SHA-256 of a file, lower-case hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
