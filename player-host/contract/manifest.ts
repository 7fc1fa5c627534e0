import * as v from "valibot";

/** Name of the manifest, at the root of a package. */
export const MANIFEST_NAME = "vitrine.json";
/** Most files in one package. */
export const PACKAGE_FILES_MAX = 20_000;
/** Largest manifest, in bytes. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

/** What a page may ask for. `gpio`: see edges on the device's input lines. */
export const GRANTS = ["gpio"] as const;

/**
 * A path inside a package: relative, forward slashes, no empty, `.` or `..` part, no backslash, drive or
 * control character. Checked here once so that no later code has to.
 */
export const PackagePathSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(512),
  v.check((path) => isPackagePath(path), "must be a relative path with forward slashes and no '.' or '..' part"),
);

/** `vitrine.json`: what a package is. Every file of the package except the manifest itself is listed with its hash. */
export const ManifestSchema = v.object({
  manifest: v.literal(1),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  version: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  /** The page that is opened. */
  entry: PackagePathSchema,
  /** SHA-256 in lower-case hex by path. */
  files: v.record(PackagePathSchema, v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits"))),
  capabilities: v.optional(v.array(v.picklist(GRANTS)), []),
  /** Origins the page may talk to besides its own, e.g. `https://menu.example`. */
  allowedOrigins: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^https?:\/\/[^\s/?#]+$/i, "must be an origin, like https://menu.example"))), v.maxLength(64)), []),
});
export type Manifest = v.InferOutput<typeof ManifestSchema>;

function isPackagePath(path: string): boolean {
  if (/[\\:]/.test(path) || [...path].some((character) => character < " " || character === "\x7f")) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
