import { createHash } from "node:crypto";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { fail, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { retryDelayMs, type RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { CloudLink } from "../../core/cloud/cloud-port.ts";
import type { Upload, Uploaded, Uploader } from "../../core/commands/uploader.ts";
import type { CloudMessageOf } from "../../protocol/cloud-messages.ts";
import { checkGrant, LOOPBACK_UPLOADS, type UploadRules } from "../../protocol/upload-address.ts";
import { exchangeHttp, type HttpAnswer, type HttpSettings } from "../transport/http-exchange.ts";

export interface UploadPolicy {
  readonly retry: RetryPolicy;
  /** Limit on consecutive attempts without progress. */
  readonly fruitlessMax: number;
  /** Time limit for the whole upload, including waits. */
  readonly totalMs: number;
  readonly idleTimeoutMs: number;
  /** Longest `Retry-After` that is honoured. */
  readonly retryAfterMaxMs: number;
}

export const DEFAULT_UPLOAD_POLICY: UploadPolicy = {
  retry: { firstMs: 1_000, factor: 2, capMs: 30_000, floorMs: 250 },
  fruitlessMax: 6,
  totalMs: 15 * 60_000,
  idleTimeoutMs: 30_000,
  retryAfterMaxMs: 60_000,
};

export interface HttpUploaderDeps {
  readonly link: Pick<CloudLink, "requestUpload">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly http: HttpSettings;
  readonly policy: UploadPolicy;
  /** Where uploads may go. Absent: this machine only. */
  readonly rules?: UploadRules;
}

type Grant = CloudMessageOf<"upload-grant">;

/** Result of one attempt. `renew`: the granted address is no longer usable. */
type Attempt =
  | { readonly kind: "done" }
  | { readonly kind: "final"; readonly error: Issue }
  | { readonly kind: "again"; readonly error: Issue; readonly renew: boolean; readonly afterMs?: number };

/** Answers of a server that supports neither partial uploads (RFC 9110, 14.5) nor asking for the offset. */
const ONLY_WHOLE = new Set([400, 405, 501]);
/** Temporary errors of a request for an upload address. */
const PASSING = new Set(["link.offline", "upload.timeout", "upload.too-many"]);

/** Uploads large data to the cloud over HTTP, to an address it grants, resuming interrupted attempts. */
export class HttpUploader implements Uploader {
  readonly #deps: HttpUploaderDeps;

  constructor(deps: HttpUploaderDeps) {
    this.#deps = deps;
  }

  async upload(upload: Upload, signal?: AbortSignal): Promise<Result<Uploaded>> {
    if (upload.bytes.length === 0) return fail("upload.empty", "there is nothing to send");
    const { timers, policy } = this.#deps;
    const over = new AbortController();
    const onAbort = (): void => over.abort("upload.aborted");
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const deadline = timers.after("upload.deadline", policy.totalMs, () => over.abort("upload.timeout"));
    try {
      const result = await new Attempts(this.#deps, upload, over.signal).run();
      if (result.ok || !over.signal.aborted) return result;
      return over.signal.reason === "upload.aborted"
        ? fail("upload.aborted", "the upload was aborted")
        : fail("upload.timeout", `the upload was not finished within ${policy.totalMs} ms; the last attempt: ${result.error.message}`);
    } finally {
      deadline.cancel();
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

class Attempts {
  readonly #deps: HttpUploaderDeps;
  readonly #upload: Upload;
  readonly #signal: AbortSignal;
  readonly #sha256: string;
  #grant: Grant | undefined;
  #grantEndsMs = 0;
  #offset = 0;
  /** The server refused a partial upload; send the whole. */
  #whole = false;
  #fruitless = 0;

  constructor(deps: HttpUploaderDeps, upload: Upload, signal: AbortSignal) {
    this.#deps = deps;
    this.#upload = upload;
    this.#signal = signal;
    this.#sha256 = createHash("sha256").update(upload.bytes).digest("hex");
  }

  async run(): Promise<Result<Uploaded>> {
    const { policy, random, timers, log } = this.#deps;
    for (;;) {
      const before = this.#offset;
      const attempt = await this.#attempt();
      if (attempt.kind === "done") return ok({ name: this.#grant?.name ?? "", sha256: this.#sha256, bytes: this.#upload.bytes.length });
      if (attempt.kind === "final") return { ok: false, error: attempt.error };
      if (this.#signal.aborted) return { ok: false, error: attempt.error };
      this.#fruitless = this.#offset > before ? 0 : this.#fruitless + 1;
      if (this.#fruitless >= policy.fruitlessMax) return giveUp(attempt.error, this.#fruitless);
      if (attempt.renew) this.#grant = undefined;
      const delayMs = Math.max(retryDelayMs(policy.retry, this.#fruitless, random), Math.min(attempt.afterMs ?? 0, policy.retryAfterMaxMs));
      log.info({ code: attempt.error.code, error: attempt.error.message, offset: this.#offset, delayMs }, "the upload was interrupted and will be resumed");
      await sleep(timers, "upload.retry", delayMs, this.#signal);
    }
  }

  async #attempt(): Promise<Attempt> {
    const granted = await this.#address();
    if (!granted.ok) return PASSING.has(granted.error.code) ? { kind: "again", error: granted.error, renew: true } : { kind: "final", error: granted.error };
    const { grant, fresh } = granted.value;
    if (!fresh && !this.#whole) {
      const asked = await this.#ask(grant);
      if (asked !== undefined) return asked;
    } else this.#offset = 0;
    return this.#put(grant);
  }

  async #address(): Promise<Result<{ readonly grant: Grant; readonly fresh: boolean }>> {
    const { clock, link } = this.#deps;
    if (this.#grant !== undefined && clock.monotonicMs() < this.#grantEndsMs) return ok({ grant: this.#grant, fresh: false });
    const { purpose, contentType, bytes, command } = this.#upload;
    const request = { purpose, contentType, bytes: bytes.length, sha256: this.#sha256, ...(command === undefined ? {} : { command: { id: command.id, attempt: command.attempt } }) };
    const granted = await link.requestUpload(request);
    if (!granted.ok) return granted;
    const allowed = checkGrant(granted.value, this.#deps.rules ?? LOOPBACK_UPLOADS);
    if (!allowed.ok) return allowed;
    this.#grant = { ...granted.value, ...allowed.value };
    this.#grantEndsMs = clock.monotonicMs() + granted.value.expiresInMs;
    return ok({ grant: this.#grant, fresh: true });
  }

  /** Asks the server for the offset. Returns an attempt if no PUT should follow. */
  async #ask(grant: Grant): Promise<Attempt | undefined> {
    const answer = await this.#exchange(grant, "HEAD", {});
    if (!answer.ok) return errorAttempt(answer.error);
    const { status, headers } = answer.value;
    if (ONLY_WHOLE.has(status)) {
      this.#offset = 0;
      return undefined;
    }
    if (status !== 200 && status !== 204) return statusAttempt(answer.value, "HEAD");
    const offset = Number(headers["upload-offset"]);
    // Start from the beginning if the server's offset is missing or invalid.
    this.#offset = Number.isSafeInteger(offset) && offset >= 0 && offset <= this.#upload.bytes.length ? offset : 0;
    return undefined;
  }

  async #put(grant: Grant): Promise<Attempt> {
    const { bytes, contentType } = this.#upload;
    // If everything was received but not confirmed, sending the last byte again makes the server check the whole.
    const from = this.#whole ? 0 : Math.min(this.#offset, bytes.length - 1);
    const body = bytes.subarray(from);
    // No range for the whole: a server without partial uploads refuses every request that has one.
    const part: Readonly<Record<string, string>> = from === 0 ? {} : { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    const answer = await this.#exchange(grant, "PUT", { "content-type": contentType, "content-length": String(body.length), ...part }, body);
    if (!answer.ok) return errorAttempt(answer.error);
    const { status } = answer.value;
    if (from > 0 && ONLY_WHOLE.has(status)) {
      this.#whole = true;
      this.#offset = 0;
      return { kind: "again", error: { code: `upload.http-${status}`, message: `the server answered a part with HTTP ${status}; the whole upload is sent instead` }, renew: false };
    }
    if (status === 200 || status === 201) return { kind: "done" };
    if (status === 422) this.#offset = 0;
    return statusAttempt(answer.value, "PUT");
  }

  #exchange(grant: Grant, method: "HEAD" | "PUT", headers: Readonly<Record<string, string>>, body?: Uint8Array): Promise<Result<HttpAnswer>> {
    const { http, policy, timers } = this.#deps;
    return exchangeHttp(
      {
        method,
        url: grant.url,
        headers: { ...grant.headers, ...headers },
        idleTimeoutMs: policy.idleTimeoutMs,
        signal: this.#signal,
        ...(body === undefined ? {} : { body }),
      },
      http,
      timers,
    );
  }
}

/** For a request without an answer. One that cannot be sent at all will not work later either. */
function errorAttempt(error: Issue): Attempt {
  if (error.code !== "http.bad-request") return { kind: "again", error, renew: false };
  return { kind: "final", error: { code: "upload.failed", message: `the granted address cannot be used: ${error.message}` } };
}

/** For an answer other than success. After 202 and 416 the next attempt asks for the offset. */
function statusAttempt(answer: HttpAnswer, method: string): Attempt {
  const { status, headers } = answer;
  const error: Issue = { code: status === 422 ? "upload.hash-mismatch" : `upload.http-${status}`, message: `the server answered ${method} with HTTP ${status}` };
  const after = Number(headers["retry-after"]);
  const afterMs = Number.isFinite(after) && after >= 0 ? { afterMs: after * 1000 } : {};
  if ([401, 403, 404, 409, 410].includes(status)) return { kind: "again", error, renew: true };
  const passing = status === 202 || status === 408 || status === 416 || status === 422 || status === 425 || status === 429 || status >= 500;
  return passing ? { kind: "again", error, renew: false, ...afterMs } : { kind: "final", error };
}

function giveUp(last: Issue, attempts: number): Result<never> {
  if (last.code === "link.offline") return { ok: false, error: last };
  return fail("upload.failed", `${attempts} consecutive attempts made no progress; the last: ${last.message} (${last.code})`);
}
