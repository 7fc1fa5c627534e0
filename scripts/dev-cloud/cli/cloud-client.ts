import { fail, messageOf, ok, type Issue, type Result } from "../../tool-result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { SseParser } from "../dashboard/model/sse-parser.ts";

/**
 * A client of the development cloud's HTTP API (docs/dev-cloud-api.md). Codes: the API's own, `cloud.unreachable`,
 * `cloud.bad-address`, `cloud.malformed` (not a JSON object) and `cloud.http-<status>` (no error body).
 */
export class CloudClient {
  readonly #base: string;

  /** `base`: such as `http://127.0.0.1:4600`. */
  constructor(base: string) {
    this.#base = base.replace(/\/+$/, "");
  }

  /** Full URL of an API path. */
  address(path: string): string {
    return `${this.#base}${path}`;
  }

  get(path: string): Promise<Result<JsonObject>> {
    return this.#call("GET", path);
  }

  post(path: string, body: Json): Promise<Result<JsonObject>> {
    return this.#call("POST", path, body);
  }

  patch(path: string, body: Json): Promise<Result<JsonObject>> {
    return this.#call("PATCH", path, body);
  }

  /** Yields server-sent events until `signal` aborts or the server ends the stream. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<Result<{ readonly event: string; readonly data: Json }>> {
    let response: Response;
    try {
      response = await fetch(`${this.#base}${path}`, { signal, headers: { accept: "text/event-stream" } });
    } catch (thrown) {
      if (!signal.aborted) yield this.#unreachable(thrown);
      return;
    }
    if (!response.ok || response.body === null) {
      yield { ok: false, error: errorOf(await response.text(), response.status) };
      return;
    }
    const parser = new SseParser();
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        for (const { event, data } of parser.push(chunk)) {
          const json = parseJson(data);
          if (json !== undefined) yield ok({ event, data: json });
        }
      }
    } catch (thrown) {
      if (!signal.aborted) yield this.#unreachable(thrown);
    }
  }

  async #call(method: string, path: string, body?: Json): Promise<Result<JsonObject>> {
    try {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        signal: AbortSignal.timeout(30_000),
        ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
      const text = await response.text();
      if (!response.ok) return { ok: false, error: errorOf(text, response.status) };
      const json = parseJson(text);
      return isJsonObject(json) ? ok(json) : fail("cloud.malformed", `${path} did not answer with a JSON object`, "is this the development cloud?");
    } catch (thrown) {
      return this.#unreachable(thrown);
    }
  }

  #unreachable(thrown: unknown): { readonly ok: false; readonly error: Issue } {
    if (!URL.canParse(this.#base)) return fail("cloud.bad-address", `"${this.#base}" is not the URL of a cloud`, "give one like --url http://127.0.0.1:4600");
    // fetch itself only says "fetch failed"; the reason is in its cause.
    const why = messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
    return fail("cloud.unreachable", `the development cloud at ${this.#base} cannot be reached: ${why}`, "start it with `npm start`, or choose another one with --url URL");
  }
}

/** An API error with its HTTP status. */
export type ApiIssue = Issue & { readonly httpStatus?: number };

function errorOf(text: string, status: number): ApiIssue {
  const json = parseJson(text);
  const error = isJsonObject(json) ? json["error"] : undefined;
  if (isJsonObject(error ?? null)) {
    const { code, message, hint } = error as { code?: Json; message?: Json; hint?: Json };
    if (typeof code === "string" && typeof message === "string") return { code, message, ...(typeof hint === "string" ? { hint } : {}), httpStatus: status };
  }
  return { code: `cloud.http-${status}`, message: `the server answered ${status}`, httpStatus: status };
}
