import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { pipeline } from "node:stream/promises";

const TYPES: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".mjs", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".json", "application/json; charset=utf-8"],
  [".map", "application/json; charset=utf-8"],
  [".webmanifest", "application/manifest+json"],
  [".svg", "image/svg+xml"],
  [".png", "image/png"],
  [".jpg", "image/jpeg"],
  [".jpeg", "image/jpeg"],
  [".webp", "image/webp"],
  [".avif", "image/avif"],
  [".gif", "image/gif"],
  [".ico", "image/x-icon"],
  [".woff2", "font/woff2"],
  [".mp4", "video/mp4"],
  [".webm", "video/webm"],
  [".zip", "application/zip"],
  [".txt", "text/plain; charset=utf-8"],
]);

/**
 * Resolves a URL path to a file inside `folder`; `undefined` when it leaves the folder, is hidden or does not
 * exist. A path ending in a slash means `index.html`.
 */
export async function findFile(folder: string, path: string): Promise<string | undefined> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // Malformed percent-encoding matches no file.
    return undefined;
  }
  if (decoded.includes("\0") || decoded.split(/[\\/]/).some((part) => part.startsWith("."))) return undefined;
  const root = normalize(folder + sep);
  const file = normalize(join(root, decoded.endsWith("/") || decoded === "" ? `${decoded}index.html` : decoded));
  if (!file.startsWith(root)) return undefined;
  const facts = await stat(file).catch(() => undefined);
  return facts?.isFile() === true ? file : undefined;
}

/** Sends a file. Supports ranges, which `video` elements need, and answers 304 when the client has the file. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const facts = await stat(file);
  const etag = `"${facts.size.toString(36)}-${Math.round(facts.mtimeMs).toString(36)}"`;
  const common = {
    "content-type": TYPES.get(extname(file).toLowerCase()) ?? "application/octet-stream",
    "x-content-type-options": "nosniff",
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    etag,
    ...headers,
  };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, common);
    response.end();
    return;
  }
  const range = rangeOf(request.headers.range, facts.size);
  if (range === "bad") {
    response.writeHead(416, { ...common, "content-range": `bytes */${facts.size}` });
    response.end();
    return;
  }
  const { from, to } = range ?? { from: 0, to: facts.size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    ...common,
    "content-length": Math.max(0, to - from + 1),
    ...(range === undefined ? {} : { "content-range": `bytes ${from}-${to}/${facts.size}` }),
  });
  if (request.method === "HEAD" || facts.size === 0) {
    response.end();
    return;
  }
  await pipeline(createReadStream(file, { start: from, end: to }), response).catch(() => {
    // The client disconnected.
    response.destroy();
  });
}

/** Parses a single range; several ranges are ignored, as RFC 9110 allows. */
function rangeOf(header: string | undefined, size: number): { readonly from: number; readonly to: number } | "bad" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return from > to || from >= size ? "bad" : { from, to };
}
