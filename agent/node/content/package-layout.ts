import { MANIFEST_NAME, type Manifest } from "../../../player-host/contract/manifest.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";

/** Location of the manifest in a zip: at its root, or in the only folder at its root (the folder was zipped as a whole). */
export interface ManifestPlace {
  readonly name: string;
  /** Prefix of the manifest's paths: empty, or a folder name with a slash. */
  readonly prefix: string;
}

/** Files that macOS and Windows add to zips and folders. */
const ADDED_BY_TOOLS = /^__MACOSX\/|(?:^|\/)(?:\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)$/i;

/** Finds the manifest among the names of a zip's files, ignoring case. Error: `content.bad-manifest`. */
export function findManifest(names: readonly string[]): Result<ManifestPlace> {
  const found = names.filter((name) => baseName(name).toLowerCase() === MANIFEST_NAME && !ADDED_BY_TOOLS.test(name));
  const atRoot = found.filter((name) => !name.includes("/"));
  const [manifest] = atRoot;
  if (manifest !== undefined) {
    if (atRoot.length === 1 || atRoot.includes(MANIFEST_NAME)) return ok({ name: atRoot.includes(MANIFEST_NAME) ? MANIFEST_NAME : manifest, prefix: "" });
    return fail("content.bad-manifest", `the package has more than one manifest: ${quoted(atRoot)}`, `keep ${MANIFEST_NAME} alone`);
  }
  const [nested] = found;
  if (nested === undefined) return fail("content.bad-manifest", `the package has no ${MANIFEST_NAME}`, `put ${MANIFEST_NAME} at the root of the zip, beside the entry page`);
  const prefix = `${nested.split("/")[0] ?? ""}/`;
  const others = names.filter((name) => !name.startsWith(prefix) && !ADDED_BY_TOOLS.test(name));
  if (found.length === 1 && others.length === 0 && nested.split("/").length === 2) return ok({ name: nested, prefix });
  return fail("content.bad-manifest", `the package has no ${MANIFEST_NAME} at its root; there is ${quoted(found)}`, "zip the contents of that folder");
}

/**
 * Maps each path of the manifest to its file in the zip: exactly the listed files, each once. Files added by tools are
 * ignored unless listed. Names in macOS's decomposed Unicode match composed ones. Errors: `content.bad-package`,
 * `content.bad-manifest`.
 */
export function matchFiles(names: readonly string[], place: ManifestPlace, manifest: Manifest): Result<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  const listed = Object.keys(manifest.files);
  const composed = new Map(listed.map((path) => [path.normalize("NFC"), path]));
  for (const name of names) {
    if (name === place.name) continue;
    const inside = name.startsWith(place.prefix) ? name.slice(place.prefix.length) : undefined;
    const path = inside === undefined ? undefined : Object.hasOwn(manifest.files, inside) ? inside : composed.get(inside.normalize("NFC"));
    if (path === undefined) {
      if (ADDED_BY_TOOLS.test(name)) continue;
      return fail("content.bad-package", `"${inside ?? name}" is in the package but not in the manifest${otherCase(inside ?? name, listed)}`);
    }
    if (paths.has(path)) return fail("content.bad-package", `the package has "${path}" twice`);
    paths.set(path, name);
  }
  const there = [...paths.keys()];
  const missing = listed.find((path) => !paths.has(path));
  if (missing !== undefined) return fail("content.bad-package", `"${missing}" is in the manifest but not in the package${otherCase(missing, names.map((name) => name.slice(place.prefix.length)))}`);
  const folders = new Set(there.flatMap((path) => [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index))));
  const both = there.find((path) => folders.has(path));
  if (both !== undefined) return fail("content.bad-package", `"${both}" is both a file and a folder`);
  if (!paths.has(manifest.entry)) return fail("content.bad-manifest", `the entry page "${manifest.entry}" is not among the files${otherCase(manifest.entry, there)}`, "entry must be a path listed under files");
  return ok(paths);
}

/** A clause about a name that differs only in case; empty when there is none. */
function otherCase(path: string, among: readonly string[]): string {
  const lower = path.toLowerCase();
  const near = among.find((other) => other !== path && other.toLowerCase() === lower);
  return near === undefined ? "" : `; there is "${near}" with different case`;
}

function quoted(names: readonly string[]): string {
  return names.slice(0, 3).map((name) => `"${name.slice(0, 200)}"`).join(", ");
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
