/** `npm run package:deb`: builds the Debian packages and reports their sizes. */
import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { build } from "../build/build.ts";
import { whyNoReleaseKey } from "../release/release-key.ts";
import { fail, messageOf, ok, type Issue, type Result } from "../tool-result.ts";
import { buildDeb, findDpkg, type Deb } from "./build-deb.ts";
import { electronFolder, findElectronPlayer } from "./electron-player.ts";
import { HELP, parseOptions, type PackageOptions } from "./options.ts";
import type { Arch } from "./parts.ts";
import { sourceEpochSeconds } from "./source-epoch.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MIB = 1024 * 1024;

const parsed = parseOptions(process.argv.slice(2));
if (!parsed.ok) process.exitCode = complain(parsed.error, 2);
else if (parsed.value === undefined) console.log(HELP);
else process.exitCode = await packageAll(parsed.value);

async function packageAll({ arches, out, sizes, releaseKey: keyFile }: PackageOptions): Promise<number> {
  const key = keyFile === undefined ? ok(undefined) : await readKeyFile(keyFile);
  if (!key.ok) return complain(key.error, 2);
  const dpkg = await findDpkg();
  if (!dpkg.ok) return complain(dpkg.error, 1);
  const { missing } = await build(ROOT);
  if (missing.length > 0) return complain({ code: "package.not-built", message: `dist/ is not whole: ${missing.join(", ")}` }, 1);
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
  const epochSeconds = await sourceEpochSeconds(ROOT);
  for (const arch of arches) {
    const electron = await findElectronPlayer(ROOT, arch);
    if (!electron.ok) return complain(electron.error, 1);
    console.log(`packing for ${arch} (about a minute; several on a slow or busy machine) …`);
    const built = await buildDeb({
      root: ROOT, arch, version, epochSeconds, sizes, out: resolve(out), cache: join(ROOT, ".vitrine/package"),
      ...(electron.value !== undefined && { electron: electron.value }),
      ...(key.value !== undefined && { releaseKey: key.value }),
    });
    if (!built.ok) return complain(built.error, 1);
    report(built.value, arch, electron.value);
  }
  if (key.value === undefined) console.log("No release key: devices with these packages take no updates over the air until a key is put into /etc/vitrine/release-keys (--release-key FILE).");
  return 0;
}

async function readKeyFile(path: string): Promise<Result<string>> {
  try {
    const text = await readFile(path, "utf8");
    const why = whyNoReleaseKey(path, text);
    return why === undefined ? ok(text) : fail("package.usage", `${path} cannot be used as a release key: ${why}.`);
  } catch (thrown) {
    return fail("package.usage", `the release key cannot be read: ${messageOf(thrown)}`);
  }
}

function report({ path, bytes, nodeBytes }: Deb, arch: Arch, electron: string | undefined): void {
  const compared = nodeBytes === undefined ? "" : `; Node's binary alone, packed the same way: ${(nodeBytes / MIB).toFixed(1)} MiB, so ${(bytes / nodeBytes).toFixed(2)} ×`;
  console.log(`${relative(process.cwd(), path)}  ${(bytes / MIB).toFixed(1)} MiB${compared}`);
  if (electron === undefined) console.log(`  player: Debian's Chromium, a dependency (there is no Electron player in ${electronFolder(arch)})`);
  else console.log(`  player: the Electron in ${electronFolder(arch)}. No test has run this package on a device; it is bigger than Node by Electron's size`);
}

function complain({ code, message, hint }: Issue, exit: number): number {
  console.error(`${message} [${code}]${hint === undefined ? "" : `\n  → ${hint}`}`);
  return exit;
}
