import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { keyFromSeed } from "../../../platform/linux/node-crypto.ts";
import type { SignedRelease } from "../../../platform/ports/software.ts";
import { toBase64Url } from "../../../platform/runtime/encoding.ts";
import type { Architecture, ReleaseManifest } from "../../protocol/release.ts";
import { signedBytes } from "../../protocol/signed.ts";

const releaseKey = keyFromSeed(new Uint8Array(32).fill(7));
export const RELEASE_KEY = toBase64Url(releaseKey.publicKey);
export const ARCH: Architecture = "amd64";
/** Files that the package manager alone places. */
const SYSTEM = { "/usr/lib/sysusers.d/vitrine.conf": "a".repeat(64) };

export interface TestRelease {
  readonly version: string;
  readonly systemFiles?: Readonly<Record<string, string>>;
  /** What `release.json` says, where it lies. */
  readonly says?: string;
  /** A file that is not as `release.json` says. */
  readonly damaged?: string;
  /** Additional or other files, by path in the release. Programs start with `#!`. */
  readonly files?: Readonly<Record<string, string>>;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The tree of a release: what the package has below `/usr/lib/vitrine`. */
export function writeTree(folder: string, { version, systemFiles = SYSTEM, says = version, files = {}, damaged = "" }: TestRelease): void {
  const all: Record<string, string> = {
    "bin/node": "#!/bin/sh\n# The same in each release.\n",
    "bin/launch": "#!/bin/sh\nexit 0\n",
    "dist/agent/main.js": `// agent of ${version}\n`,
    "dist/player-host/chromium.js": "// player host\n",
    ...files,
  };
  const hashes = Object.fromEntries(Object.entries(all).map(([path, text]) => [path, path === damaged ? "0".repeat(64) : sha256(text)]));
  const services = { agent: sha256(JSON.stringify(hashes)), player: sha256(`${hashes["bin/launch"]} ${hashes["dist/player-host/chromium.js"]}`) };
  all["release.json"] = JSON.stringify({ version: says, arch: ARCH, node: "24.21.0", services, files: hashes, systemFiles });
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    chmodSync(join(folder, path), text.startsWith("#!") ? 0o755 : 0o644);
  }
}

/** A real Debian package of that release. */
export function makeDeb(work: string, release: TestRelease): string {
  const staging = join(work, `staging-${release.version}`);
  rmSync(staging, { recursive: true, force: true });
  writeTree(join(staging, "usr/lib/vitrine"), release);
  mkdirSync(join(staging, "DEBIAN"), { recursive: true });
  writeFileSync(join(staging, "DEBIAN/control"), `Package: vitrine\nVersion: ${release.version.replace("-", "~")}\nArchitecture: ${ARCH}\nMaintainer: Test <test@example.invalid>\nDescription: test\n`);
  const deb = join(work, `vitrine_${release.version}_${ARCH}.deb`);
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zgzip", "--build", staging, deb], { stdio: "ignore" });
  rmSync(staging, { recursive: true });
  return deb;
}

/** The manifest of a file, signed by the test's release key. */
export async function signRelease(deb: string, version: string, change: Partial<ReleaseManifest> = {}, url = "https://releases.example/vitrine.deb"): Promise<SignedRelease> {
  const data = readFileSync(deb);
  const artefact = { url, bytes: data.length, sha256: createHash("sha256").update(data).digest("hex") };
  return signPayload(JSON.stringify({ manifest: 1, version, packages: { [ARCH]: artefact }, ...change }));
}

export async function signPayload(payload: string): Promise<SignedRelease> {
  const signature = toBase64Url(await releaseKey.sign(signedBytes("software", payload)));
  return { payload, key: createHash("sha256").update(releaseKey.publicKey).digest("hex").slice(0, 32), signature };
}
