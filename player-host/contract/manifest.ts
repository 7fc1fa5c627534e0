import * as v from "valibot";

/** Name of the manifest, at the root of a package. */
export const MANIFEST_NAME = "vitrine.json";
/** Maximum number of files in a package. */
export const PACKAGE_FILES_MAX = 20_000;
/** Maximum size of a manifest, in bytes. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

/** Grants that a page may request. `gpio`: receive edges on the device's input lines. */
export const GRANTS = ["gpio"] as const;

/**
 * A path inside a package: relative, forward slashes, no empty, `.` or `..` part, no drive or
 * control character. Checked here once, so that later code need not. A leading `./` is removed and Windows
 * backslashes are converted.
 */
export const PackagePathSchema = v.pipe(
  v.string(),
  v.transform((path) => path.replaceAll("\\", "/").replace(/^(?:\.\/)+/, "")),
  v.minLength(1),
  v.maxLength(512),
  v.check((path) => isPackagePath(path), "must be a relative path with forward slashes and no '.' or '..' part"),
);

/** `http`, `https`, `ws` or `wss`, a host name or IPv4 address (`*.` for all subdomains) and an optional port: what a CSP can express. */
export const ALLOWED_ORIGIN = /^(?:https?|wss?):\/\/(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?$/;

/** An origin the page may talk to besides its own. Converted to lower case, without a trailing slash. */
const AllowedOriginSchema = v.pipe(
  v.string(),
  v.transform((origin) => origin.toLowerCase().replace(/\/$/, "")),
  v.regex(ALLOWED_ORIGIN, "must be a scheme, a host and perhaps a port, like https://menu.example or ws://192.168.1.20:8080: no path, no IPv6 address, and for other letters than a to z the host's xn-- form"),
  v.check((origin) => Number(/:(\d+)$/.exec(origin)?.[1] ?? 0) <= 65_535, "must have a port from 0 to 65535"),
);

/** `vitrine.json`, which describes a package. Lists every file except the manifest itself with its hash. */
export const ManifestSchema = v.object({
  manifest: v.literal(1),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  version: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  /** The page to open. */
  entry: PackagePathSchema,
  /** SHA-256 of each file in lower-case hex, by path. */
  files: v.record(PackagePathSchema, v.pipe(v.string(), v.toLowerCase(), v.regex(/^[0-9a-f]{64}$/, "must be the SHA-256 of the file: 64 hex digits"))),
  capabilities: v.optional(v.array(v.picklist(GRANTS)), []),
  allowedOrigins: v.optional(v.pipe(v.array(AllowedOriginSchema), v.maxLength(64)), []),
});
export type Manifest = v.InferOutput<typeof ManifestSchema>;

function isPackagePath(path: string): boolean {
  if (/[\\:]/.test(path) || [...path].some((character) => character < " " || character === "\x7f")) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
