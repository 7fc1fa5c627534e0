import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";
import { validate } from "../../agent/protocol/codec.ts";
import { ArchitectureSchema, ReleaseInfoSchema, ReleaseManifestSchema, type Architecture, type ReleaseInfo, type ReleaseManifest } from "../../agent/protocol/release.ts";
import { signedBytes } from "../../agent/protocol/signed.ts";
import type { DeviceKey } from "../../platform/ports/crypto.ts";
import { messageOf, ok, type Result } from "../../platform/ports/result.ts";
import type { SignedRelease } from "../../platform/ports/software.ts";
import { toBase64Url } from "../../platform/runtime/encoding.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { fail, type Result as ToolResult } from "../tool-result.ts";
import { fingerprintOf } from "./release-key.ts";

const run = promisify(execFile);

export interface ManifestInput {
  /** Debian packages of one version. */
  readonly packages: readonly string[];
  /** `FILE@VERSION:ARCH` of each browser. */
  readonly browsers: readonly string[];
  readonly base: string;
  readonly downgrade: boolean;
  readonly key: DeviceKey;
}

export interface SignedManifest {
  readonly version: string;
  readonly architectures: readonly Architecture[];
  readonly signed: SignedRelease;
}

/** The signed manifest of these files, whose packages have to agree on the version. Errors: `manifest.package`, `manifest.browser`, `manifest.invalid`. */
export async function signedManifest({ packages, browsers, base, downgrade, key }: ManifestInput): Promise<ToolResult<SignedManifest>> {
  const found: Record<string, object> = {};
  let version: string | undefined;
  for (const path of packages) {
    if (!existsSync(path)) return fail("manifest.package", `${path} is not there`, "npm run package:deb makes packages in dist/package, for the version in package.json.");
    const info = await infoOf(path);
    if (!info.ok) return fail("manifest.package", `${path}: ${info.error.message}`, "It has to be a package made by npm run package:deb.");
    if (version !== undefined && version !== info.value.version) return fail("manifest.package", `${path} is version ${info.value.version}, another package is ${version}`);
    if (found[info.value.arch] !== undefined) return fail("manifest.package", `${path} is a second package for ${info.value.arch}`);
    version = info.value.version;
    found[info.value.arch] = await artefact(path, base);
  }
  const withBrowsers: Record<string, object> = {};
  for (const text of browsers) {
    const [, path, itsVersion, arch] = /^(.+)@([^@:]+):([^:]+)$/.exec(text) ?? [];
    if (path === undefined || !v.is(ArchitectureSchema, arch)) return fail("manifest.browser", `"${text}" is not FILE@VERSION:ARCH, with ARCH amd64 or arm64`);
    withBrowsers[arch] = { ...(await artefact(path, base)), version: itsVersion };
  }
  const manifest = { manifest: 1, version, ...(downgrade && { downgrade }), packages: found, ...(browsers.length > 0 && { browsers: withBrowsers }) };
  const valid: Result<ReleaseManifest> = validate(ReleaseManifestSchema, manifest, "the manifest");
  if (!valid.ok) return fail("manifest.invalid", valid.error.message);
  const payload = JSON.stringify(manifest);
  const signature = toBase64Url(await key.sign(signedBytes("software", payload)));
  return ok({ version: valid.value.version, architectures: Object.keys(found) as Architecture[], signed: { payload, key: fingerprintOf(key), signature } });
}

async function artefact(path: string, base: string): Promise<object> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return { url: `${base.replace(/\/$/, "")}/${encodeURIComponent(basename(path))}`, bytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

/** `release.json` inside a package. */
async function infoOf(path: string): Promise<Result<ReleaseInfo>> {
  try {
    const { stdout } = await run("sh", ["-c", 'dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/lib/vitrine/release.json', "sh", path], { maxBuffer: 4 * 1024 * 1024 });
    return validate(ReleaseInfoSchema, parseJson(stdout), "release.json");
  } catch (thrown) {
    return { ok: false, error: { code: "update.bad-package", message: messageOf(thrown).split("\n").slice(0, 2).join(" ") } };
  }
}
