import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, constants, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";
import { controlFile, debianChangelog, debianVersion } from "./control.ts";
import { copyrightText, THIRD_PARTY, thirdPartyText } from "./copyright.ts";
import { NODE_ARCH, NODE_VERSION, partsFor, unpackPart, type Arch } from "./parts.ts";
import { describeRelease } from "./release.ts";
import { CONFFILES, docsTree, RELEASE, releaseTree, systemTree, type Entry, type TreeInput } from "./tree.ts";

const run = promisify(execFile);
const SCRIPTS = ["postinst", "prerm", "postrm"];
const DEBIAN = join(import.meta.dirname, "debian");

export interface DebOptions {
  /** The source tree, with a whole `dist/` and `node_modules/`. */
  readonly root: string;
  readonly arch: Arch;
  readonly version: string;
  /** An unpacked Electron player that electron-builder made for this architecture; absent: the package uses the system's Chromium. */
  readonly electron?: string;
  /** Public keys of releases, one a line. */
  readonly releaseKey?: string;
  /** Folder for the package; made if missing. */
  readonly out: string;
  /** Where npm's packages are kept between builds. */
  readonly cache: string;
  /** Seconds since 1970: the time of every file, for packages that are equal to the byte. */
  readonly epochSeconds: number;
  /** Level of xz; default: dpkg-deb's own. `none`: a package of four times the size, for tests. */
  readonly compression?: number | "none";
  /** Also pack Node's binary alone. */
  readonly sizes?: boolean;
}

export interface Deb {
  readonly path: string;
  readonly bytes: number;
  /** With `sizes`: the size of a package with Node's binary and nothing else, compressed the same way. The floor of ours. */
  readonly nodeBytes?: number;
}

/** Whether packages can be built here. Error: `package.no-dpkg`. */
export async function findDpkg(): Promise<Result<void>> {
  try {
    await run("dpkg-deb", ["--version"]);
    return ok(undefined);
  } catch (thrown) {
    return fail("package.no-dpkg", `dpkg-deb cannot be run: ${messageOf(thrown)}`, "A Debian package is built on Debian or Ubuntu, or where the package dpkg is installed (Fedora: dnf install dpkg; macOS: brew install dpkg).");
  }
}

/**
 * Builds `vitrine_<version>_<arch>.deb`. The same source gives the same bytes, whatever the folder, time and umask. Errors:
 * `package.no-dpkg`, `package.fetch`, `package.integrity`, `package.dpkg`, `package.out`.
 */
export async function buildDeb(options: DebOptions): Promise<Result<Deb>> {
  const dpkg = await findDpkg();
  if (!dpkg.ok) return dpkg;
  // Now, not after minutes.
  const folder = await makeOut(options.out);
  if (!folder.ok) return folder;
  const work = await mkdtemp(join(tmpdir(), "vitrine-deb-"));
  try {
    const parts = await partsFor(options.root, options.arch);
    const [node, koffi] = [join(work, "node"), join(work, "koffi")];
    const unpacked = await unpackPart(parts.node, ["bin/node", "LICENSE"], options.cache, node);
    if (!unpacked.ok) return unpacked;
    const native = await unpackPart(parts.koffi, ["package.json", "index.js", `linux_${NODE_ARCH[options.arch]}`], options.cache, koffi);
    if (!native.ok) return native;
    const stage = join(work, "stage");
    const bytes = await fill(stage, options, await allEntries(options, node, koffi));
    await describePackage(stage, options, bytes);
    const name = `vitrine_${debianVersion(options.version)}_${options.arch}.deb`;
    const built = await pack(stage, join(work, name), options);
    if (!built.ok) return built;
    const floor = options.sizes === true ? await nodeAlone(work, node, options) : undefined;
    if (floor?.ok === false) return floor;
    const path = join(options.out, name);
    // A name of its own first, so that an interrupted build leaves no half package under the right name.
    await copyFile(join(work, name), `${path}.new`);
    await rename(`${path}.new`, path);
    return ok({ path, bytes: (await stat(path)).size, ...(floor !== undefined && { nodeBytes: floor.value }) });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function makeOut(out: string): Promise<Result<void>> {
  try {
    await mkdir(out, { recursive: true });
    await access(out, constants.W_OK);
    return ok(undefined);
  } catch (thrown) {
    return fail("package.out", `the package cannot be put into ${out}: ${messageOf(thrown)}`, "Name another folder with --out, or correct its owner and mode.");
  }
}

async function allEntries({ root, arch, version, electron, releaseKey, epochSeconds }: DebOptions, node: string, koffi: string): Promise<readonly Entry[]> {
  const player: TreeInput["player"] = electron === undefined ? { kind: "chromium" } : { kind: "electron", folder: electron };
  const keys: readonly Entry[] = releaseKey === undefined ? [] : [{ path: `${RELEASE}/release-keys/release.pub`, mode: 0o644, content: { text: releaseKey } }];
  const release = await releaseTree({ root, arch, version, node, koffi, player });
  const system = systemTree(root);
  const about = await describeRelease({ version, arch, node: NODE_VERSION, player: player.kind }, release, system);
  const doc = (name: string, text: string): Entry => ({ path: `/usr/share/doc/vitrine/${name}`, mode: 0o644, content: { text } });
  return [
    ...release,
    ...keys,
    ...system,
    ...docsTree(root),
    { path: `${RELEASE}/release.json`, mode: 0o644, content: { text: `${JSON.stringify(about, undefined, 1)}\n` } },
    doc("copyright", await copyrightText(root)),
    doc(THIRD_PARTY, await thirdPartyText(root, join(node, "LICENSE"))),
    { path: "/usr/share/doc/vitrine/changelog.gz", mode: 0o644, content: { text: debianChangelog(debianVersion(version), epochSeconds) } },
    { path: "/usr/share/lintian/overrides/vitrine", mode: 0o644, content: { from: join(DEBIAN, "lintian-overrides") } },
  ];
}

/** Writes the entries below `stage` and returns their size. Folders are 0755, whatever the umask. */
async function fill(stage: string, { epochSeconds }: DebOptions, entries: readonly Entry[]): Promise<number> {
  let bytes = 0;
  const sums: string[] = [];
  await makeFolder(stage, join(stage, "DEBIAN"));
  await makeFolder(stage, join(stage, "etc/vitrine"));
  for (const { path, mode, content } of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const text = "text" in content ? Buffer.from(content.text) : await readFile(content.from);
    // Without a time and a name, so that equal text is equal bytes.
    const data = path.endsWith(".gz") ? gzipSync(text, { level: 9 }) : text;
    const file = join(stage, path);
    await makeFolder(stage, dirname(file));
    await put(file, data, mode, epochSeconds);
    bytes += data.length;
    if (!CONFFILES.includes(path)) sums.push(`${createHash("md5").update(data).digest("hex")}  ${path.slice(1)}\n`);
  }
  await put(join(stage, "DEBIAN/md5sums"), Buffer.from(sums.join("")), 0o644, epochSeconds);
  return bytes;
}

async function describePackage(stage: string, { version, arch, electron, epochSeconds }: DebOptions, installedBytes: number): Promise<void> {
  const player = electron === undefined ? "chromium" : "electron";
  const control = controlFile({ version: debianVersion(version), arch, player, installedBytes });
  await put(join(stage, "DEBIAN/control"), Buffer.from(control), 0o644, epochSeconds);
  await put(join(stage, "DEBIAN/conffiles"), Buffer.from(CONFFILES.map((path) => `${path}\n`).join("")), 0o644, epochSeconds);
  for (const script of SCRIPTS) await put(join(stage, "DEBIAN", script), await readFile(join(DEBIAN, script)), 0o755, epochSeconds);
}

async function makeFolder(stage: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let each = folder; each.length >= stage.length; each = dirname(each)) await chmod(each, 0o755);
}

async function put(file: string, data: Uint8Array, mode: number, epochSeconds: number): Promise<void> {
  await writeFile(file, data);
  await chmod(file, mode);
  await utimes(file, epochSeconds, epochSeconds);
}

/** dpkg-deb sorts the files, gives them to root, and limits their times to SOURCE_DATE_EPOCH. */
async function pack(stage: string, path: string, { compression, epochSeconds }: DebOptions): Promise<Result<void>> {
  const form = compression === "none" ? ["-Znone"] : ["-Zxz", ...(compression === undefined ? [] : [`-z${compression}`])];
  try {
    await run("dpkg-deb", ["--root-owner-group", ...form, "--build", stage, path], { env: { ...process.env, SOURCE_DATE_EPOCH: String(epochSeconds), LC_ALL: "C.UTF-8" } });
    return ok(undefined);
  } catch (thrown) {
    return fail("package.dpkg", `dpkg-deb could not build the package: ${messageOf(thrown)}`);
  }
}

async function nodeAlone(work: string, node: string, options: DebOptions): Promise<Result<number>> {
  const stage = join(work, "floor");
  await makeFolder(stage, join(stage, "DEBIAN"));
  await makeFolder(stage, join(stage, "usr/bin"));
  await put(join(stage, "usr/bin/node"), await readFile(join(node, "bin/node")), 0o755, options.epochSeconds);
  await put(join(stage, "DEBIAN/control"), Buffer.from(`Package: node-alone\nVersion: ${NODE_VERSION}\nArchitecture: ${options.arch}\nMaintainer: nobody <nobody@vitrine.invalid>\nDescription: floor of a figure\n`), 0o644, options.epochSeconds);
  const packed = await pack(stage, join(work, "floor.deb"), options);
  return packed.ok ? ok((await stat(join(work, "floor.deb"))).size) : packed;
}
