import type { IncomingMessage, ServerResponse } from "node:http";
import { parseJson, type Json } from "../../../platform/runtime/json.ts";
import { ApiError } from "./api-error.ts";

export const BODY_BYTES_MAX = 256 * 1024;

/** One request and its response. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Path parts that the route declares as `:name`, decoded. */
  readonly params: Readonly<Record<string, string>>;
}

const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

export function sendNothing(response: ServerResponse, status: number): void {
  response.writeHead(status, SECURITY_HEADERS);
  response.end();
}

/** Reads the body as JSON; `{}` when there is none. Throws 413 `request.too-large`, 415 `request.content-type`, 400 `request.not-json`. */
export async function readJson(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX)
      throw new ApiError(
        413,
        { code: "request.too-large", message: `the body is larger than ${BODY_BYTES_MAX} bytes` },
        { headers: { connection: "close" } },
      );
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new ApiError(415, {
      code: "request.content-type",
      message: "the body must be JSON",
      hint: "send the header content-type: application/json",
    });
  }
  const json = parseJson(Buffer.concat(chunks).toString("utf8"));
  if (json === undefined) throw new ApiError(400, { code: "request.not-json", message: "the body is not JSON text" });
  return json;
}

export function badQuery(message: string): ApiError {
  return new ApiError(400, { code: "request.bad-query", message });
}

/** A whole number from the query; `undefined` when absent. Throws 400 `request.bad-query` when malformed or out of range. */
export function numberOf(
  query: URLSearchParams,
  name: string,
  range: { readonly min: number; readonly max: number },
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < range.min || value > range.max)
    throw badQuery(`${name} must be a whole number from ${range.min} to ${range.max}`);
  return value;
}

export function choiceOf<T extends string>(query: URLSearchParams, name: string, choices: readonly T[]): T | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw badQuery(`${name} must be one of ${choices.join(", ")}`);
  return choice;
}

export function listOf<T extends string>(query: URLSearchParams, name: string, choices: readonly T[]): readonly T[] | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  return [...new Set(text.split(","))].map((part) => {
    const choice = choices.find((candidate) => candidate === part);
    if (choice === undefined) throw badQuery(`${name} may have ${choices.join(", ")}; not ${JSON.stringify(part.slice(0, 40))}`);
    return choice;
  });
}
