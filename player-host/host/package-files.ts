import { utf8 } from "../../platform/runtime/encoding.ts";
import { packageCsp } from "../stage/navigation-rules.ts";
import type { PackageFile, PackageFolders } from "./package-folders.ts";

export interface PackagePlace {
  /** Already checked against the package's manifest. */
  readonly folder: string;
  readonly entry: string;
  readonly allowedOrigins: readonly string[];
}

export interface PackageRequest {
  readonly method: string;
  readonly url: string;
  /** The `Range` header, when there is one. */
  readonly range?: string | undefined;
  /** Whether the browser requests a service worker's script (header `Service-Worker: script`). */
  readonly serviceWorker?: boolean;
}

export interface PackageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Maximum length of the answer to a range request; a media element requests the rest itself. */
export const RANGE_BYTES_MAX = 4 * 1024 * 1024;
/** Maximum size of a file served whole, because it is held in memory meanwhile; larger files are served only in ranges. */
export const WHOLE_BYTES_MAX = 64 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".htm": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".xml": "application/xml; charset=utf-8",
  ".csv": "text/csv; charset=utf-8",
  ".vtt": "text/vtt; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".ico": "image/x-icon",
  ".mp4": "video/mp4",
  ".m4v": "video/mp4",
  ".webm": "video/webm",
  ".mp3": "audio/mpeg",
  ".m4a": "audio/mp4",
  ".ogg": "audio/ogg",
  ".wav": "audio/wav",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".ttf": "font/ttf",
  ".otf": "font/otf",
  ".wasm": "application/wasm",
  ".pdf": "application/pdf",
};

/**
 * Serves a request from a package's folder, never from outside it. Every response, errors included, carries the package's
 * policy. Service workers are refused, because documents they create would carry no policy.
 */
export async function answerFromPackage(folders: PackageFolders, place: PackagePlace, request: PackageRequest): Promise<PackageAnswer> {
  const { status, headers, body } = await answer(folders, place, request);
  return { status, headers: { ...headers, "content-security-policy": packageCsp(place.allowedOrigins), "x-content-type-options": "nosniff" }, body };
}

async function answer(folders: PackageFolders, place: PackagePlace, request: PackageRequest): Promise<PackageAnswer> {
  if (request.serviceWorker === true) return plain(403, "a package has no service worker: its files are on the disk already");
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "only GET and HEAD");
  const name = nameIn(place, request.url);
  if (name === undefined) return plain(400, "not a path in this package");
  const file = await folders.open(place.folder, name);
  if (file === undefined) return plain(404, "not in this package");
  try {
    const headers = headersOf(name, file);
    if (request.method === "HEAD") return { status: 200, headers: { ...headers, "content-length": String(file.bytes) }, body: new Uint8Array() };
    const range = parseRange(request.range, file.bytes);
    if (range === "unsatisfiable") return plain(416, "no such range", { "content-range": `bytes */${file.bytes}` });
    if (range === undefined && file.bytes > WHOLE_BYTES_MAX) return plain(413, "too large to be read at once: ask for ranges");
    if (range === undefined) return { status: 200, headers, body: await file.read(0, file.bytes) };
    const { from, to } = range;
    const body = await file.read(from, to - from + 1);
    return { status: 206, headers: { ...headers, "content-range": `bytes ${from}-${from + body.length - 1}/${file.bytes}` }, body };
  } finally {
    await file.close();
  }
}

/** The path relative to the folder, without a leading slash; `undefined` when it is not valid. */
function nameIn(place: PackagePlace, url: string): string | undefined {
  try {
    const name = decodeURIComponent(new URL(url).pathname).replace(/^\/+/, "");
    if (name.includes("\0") || name.includes("\\") || name.split("/").includes("..")) return undefined;
    return name === "" ? place.entry : name.endsWith("/") ? `${name}index.html` : name;
  } catch {
    // Invalid percent-encoding: cannot be a file of the package.
    return undefined;
  }
}

function headersOf(path: string, { changedMs }: PackageFile): Record<string, string> {
  return {
    "content-type": TYPES[/\.[^./]+$/.exec(path)?.[0].toLowerCase() ?? ""] ?? "application/octet-stream",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
    "accept-ranges": "bytes",
    "last-modified": new Date(changedMs).toUTCString(),
  };
}

/** Parses a single range and limits its length to `RANGE_BYTES_MAX`. `undefined`: no usable range was requested. */
export function parseRange(header: string | undefined, size: number): { readonly from: number; readonly to: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const asked = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (from >= size || asked < from) return "unsatisfiable";
  return { from, to: Math.min(asked, from + RANGE_BYTES_MAX - 1) };
}

function plain(status: number, text: string, more: Record<string, string> = {}): PackageAnswer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...more }, body: utf8(text) };
}
