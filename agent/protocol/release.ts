import * as v from "valibot";
import { fail, ok, type Result } from "../../platform/ports/result.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { validate } from "./codec.ts";
import { HttpUrlSchema, PositiveSchema, Sha256Schema } from "./values.ts";

/** A version: three numbers and, before a release, a suffix: `1.4.0`, `1.4.0-rc.2`. It is also the name of a folder. */
export const VersionSchema = v.pipe(v.string(), v.maxLength(64), v.regex(/^\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?$/, "must be a version such as 1.4.0 or 1.4.0-rc.2"));

/** Debian's names of processor architectures. */
export const ArchitectureSchema = v.picklist(["amd64", "arm64"]);
export type Architecture = v.InferOutput<typeof ArchitectureSchema>;

/** A file to download. */
const ArtefactEntries = { url: HttpUrlSchema, bytes: v.pipe(PositiveSchema, v.maxValue(1024 ** 3)), sha256: Sha256Schema };
const ArtefactSchema = v.strictObject(ArtefactEntries);
export type Artefact = v.InferOutput<typeof ArtefactSchema>;

const BrowserSchema = v.strictObject({ ...ArtefactEntries, version: v.pipe(v.string(), v.regex(/^[0-9A-Za-z][0-9A-Za-z.+~-]{0,63}$/, "must be a version without spaces and slashes")) });
export type BrowserArtefact = v.InferOutput<typeof BrowserSchema>;

/** One release: agent, player host and, where it is pinned, the browser, tested together. */
export const ReleaseManifestSchema = v.strictObject({
  manifest: v.literal(1),
  version: VersionSchema,
  /** May replace a newer version. Without it only an older version is replaced. */
  downgrade: v.optional(v.boolean()),
  /** The Debian package for each architecture. */
  packages: v.strictObject({ amd64: v.optional(ArtefactSchema), arm64: v.optional(ArtefactSchema) }),
  /** Tar archives with a browser, whose program is `chromium` at the top. Absent: the machine's browser is used. */
  browsers: v.optional(v.strictObject({ amd64: v.optional(BrowserSchema), arm64: v.optional(BrowserSchema) })),
});
export type ReleaseManifest = v.InferOutput<typeof ReleaseManifestSchema>;

/** `release.json` at the top of an installed release. Later versions may add fields. */
export const ReleaseInfoSchema = v.object({
  version: VersionSchema,
  arch: ArchitectureSchema,
  /** Hash of all that a service runs: with equal hashes it need not be restarted. */
  services: v.object({ agent: Sha256Schema, player: Sha256Schema }),
  /** SHA-256 of each file of the release, by its path in it. */
  files: v.record(v.string(), Sha256Schema),
  /** SHA-256 of each file that only the package manager can place (polkit, udev, users), by its path. Releases with others need the package. */
  systemFiles: v.record(v.string(), Sha256Schema),
});
export type ReleaseInfo = v.InferOutput<typeof ReleaseInfoSchema>;

/** The manifest in a signed payload. Error: `update.bad-manifest`. */
export function readManifest(payload: string): Result<ReleaseManifest> {
  const json = parseJson(payload);
  if (json === undefined) return fail("update.bad-manifest", "the release manifest is not JSON text");
  return validate(ReleaseManifestSchema, json, "the release manifest", "update.bad-manifest");
}

/** The files of a release for one architecture. Error: `update.wrong-machine`. */
export function artefactsFor(manifest: ReleaseManifest, arch: Architecture): Result<{ readonly package: Artefact; readonly browser?: BrowserArtefact }> {
  const found = manifest.packages[arch];
  if (found === undefined) return fail("update.wrong-machine", `release ${manifest.version} has no package for ${arch}`, `it has ${Object.keys(manifest.packages).join(", ") || "none"}`);
  const browser = manifest.browsers?.[arch];
  return ok({ package: found, ...(browser !== undefined && { browser }) });
}

/** Less than 0 when `a` is older than `b`, 0 when equal. A version with a suffix is older than the one without. */
export function compareVersions(a: string, b: string): number {
  const [numbersA, suffixA] = split(a);
  const [numbersB, suffixB] = split(b);
  const byNumber = comparePieces(numbersA, numbersB);
  if (byNumber !== 0) return byNumber;
  if (suffixA === undefined || suffixB === undefined) return (suffixA === undefined ? 1 : 0) - (suffixB === undefined ? 1 : 0);
  return comparePieces(suffixA, suffixB);
}

function split(version: string): readonly [readonly string[], readonly string[] | undefined] {
  const at = version.indexOf("-");
  return at < 0 ? [version.split("."), undefined] : [version.slice(0, at).split("."), version.slice(at + 1).split(".")];
}

/** As in semantic versioning: numbers by value and before words, a shorter list before a longer one. */
function comparePieces(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [one, other] = [a[at], b[at]];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const [isNumber, otherIsNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
    const order = isNumber ? Number(one) - Number(other) : one < other ? -1 : Number(one > other);
    if (order !== 0) return order;
  }
  return 0;
}
