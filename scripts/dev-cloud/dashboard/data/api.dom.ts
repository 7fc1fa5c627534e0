import { fail, messageOf, ok, type Issue, type Result } from "../../../tool-result.ts";
import { isJsonObject, parseJson, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";

/** An API error: code and message, HTTP status (0: no answer) and the whole error body, such as `current` of a version conflict. */
export interface ApiIssue extends Issue {
  readonly status: number;
  readonly beside: JsonObject;
}

const DEADLINE_MS = 20_000;

/**
 * The HTTP API of this page's origin. Codes: the server's own, `dashboard.unreachable`, `dashboard.bad-answer`.
 * `T` is the shape documented in `docs/dev-cloud-api.md`; it is not checked.
 */
export class Api {
  get<T>(path: string, signal?: AbortSignal): Promise<Result<T, ApiIssue>> {
    return this.#call<T>("GET", path, undefined, signal);
  }

  post<T>(path: string, body: JsonObject = {}): Promise<Result<T, ApiIssue>> {
    return this.#call<T>("POST", path, body);
  }

  put<T>(path: string, body: JsonObject): Promise<Result<T, ApiIssue>> {
    return this.#call<T>("PUT", path, body);
  }

  patch<T>(path: string, body: JsonObject): Promise<Result<T, ApiIssue>> {
    return this.#call<T>("PATCH", path, body);
  }

  remove<T>(path: string): Promise<Result<T, ApiIssue>> {
    return this.#call<T>("DELETE", path, {});
  }

  async #call<T>(method: string, path: string, body?: JsonObject, signal?: AbortSignal): Promise<Result<T, ApiIssue>> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    let response: Response;
    let text: string;
    try {
      response = await fetch(`/api/v1${path}`, {
        method,
        cache: "no-store",
        signal: signal === undefined ? deadline : anyOf(signal, deadline),
        ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (thrown) {
      // fetch throws for network errors, the deadline and the caller's abort alike.
      return { ok: false, error: { code: "dashboard.unreachable", message: `the server did not answer (${messageOf(thrown)})`, status: 0, beside: {} } };
    }
    const json = text === "" ? {} : parseJson(text);
    if (response.ok && json !== undefined) return ok(json as T);
    return { ok: false, error: issueOf(response.status, json) };
  }
}

function issueOf(status: number, json: Json | undefined): ApiIssue {
  const beside = isJsonObject(json) ? json : {};
  const error = isJsonObject(beside["error"]) ? beside["error"] : undefined;
  const plain = fail("dashboard.bad-answer", `the server answered ${status} without an error message`).error;
  if (error === undefined) return { ...plain, status, beside };
  const { code, message, hint } = error;
  return {
    code: typeof code === "string" ? code : plain.code,
    message: typeof message === "string" ? message : plain.message,
    ...(typeof hint === "string" ? { hint } : {}),
    status,
    beside,
  };
}

/** Replaces `AbortSignal.any`, which needs Chrome 116; the dashboard also supports older versions. */
function anyOf(...signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}
