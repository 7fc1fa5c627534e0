import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";

const run = promisify(execFile);

/** Debian's names of the architectures that are packaged. */
export type Arch = "amd64" | "arm64";
export const ARCHES: readonly Arch[] = ["arm64", "amd64"];
/** Node's names of the same. */
export const NODE_ARCH: Readonly<Record<Arch, "x64" | "arm64">> = { amd64: "x64", arm64: "arm64" };

/** npm's packages of Node's binaries. They are no dependencies, so the lock file does not have them. */
export const NODE_PARTS: Readonly<Record<Arch, string>> = {
  amd64: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  arm64: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
};
/** The version that `NODE_PARTS` belongs to; a test keeps it equal to the lock file's. */
export const NODE_VERSION = "24.21.0";

/** A package of npm, as exact bytes. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** As in a lock file: `sha512-` and base64. */
  readonly integrity: string;
}

/** The parts that differ by architecture: Node, and koffi's native module, whose pins are the lock file's. */
export async function partsFor(root: string, arch: Arch): Promise<{ readonly node: Part; readonly koffi: Part }> {
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as { packages: Record<string, { version: string; integrity: string } | undefined> };
  const name = `@koromix/koffi-linux-${NODE_ARCH[arch]}`;
  const koffi = lock.packages[`node_modules/${name}`];
  if (koffi === undefined) throw new Error(`package-lock.json has no ${name}`);
  return {
    node: { name: `node-linux-${NODE_ARCH[arch]}`, version: NODE_VERSION, integrity: NODE_PARTS[arch] },
    koffi: { name, version: koffi.version, integrity: koffi.integrity },
  };
}

/**
 * Unpacks members of a package of npm to `to`, without its leading folder. It is fetched once and kept in `cache`. Errors:
 * `package.fetch` (npm could not fetch it), `package.integrity` (other bytes than pinned).
 */
export async function unpackPart({ name, version, integrity }: Part, members: readonly string[], cache: string, to: string): Promise<Result<void>> {
  const file = join(cache, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  const kept = await integrityOf(file);
  if (kept !== integrity) {
    const fetched = await fetchPart(`${name}@${version}`, cache, file);
    if (!fetched.ok) return fetched;
    const got = await integrityOf(file);
    if (got !== integrity) {
      await rm(file, { force: true });
      return fail("package.integrity", `${name}@${version} is not what was pinned: ${String(got)} instead of ${integrity}`, "A registry served other bytes. Do not build from them.");
    }
  }
  await mkdir(to, { recursive: true });
  await run("tar", ["-xzf", file, "-C", to, "--strip-components=1", "--no-same-owner", ...members.map((member) => `package/${member}`)]);
  return ok(undefined);
}

async function fetchPart(spec: string, cache: string, file: string): Promise<Result<void>> {
  const folder = `${file}.fetching`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    const { stdout } = await run("npm", ["pack", spec, "--pack-destination", folder, "--silent"], { timeout: 10 * 60_000 });
    await rename(join(folder, stdout.trim().split("\n").at(-1) ?? ""), file);
    return ok(undefined);
  } catch (thrown) {
    return fail("package.fetch", `npm could not fetch ${spec}: ${messageOf(thrown).split("\n")[0] ?? ""}`, `It is needed once; afterwards it is in ${cache}.`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function integrityOf(file: string): Promise<string | undefined> {
  try {
    return `sha512-${createHash("sha512").update(await readFile(file)).digest("base64")}`;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}
