/** `npm run pi:image`: makes an SD card image. Exit codes: 0 made, 1 not made, 2 wrong options. */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseProvisioning } from "../../agent/node/identity/provisioning.ts";
import { messageOf } from "../../platform/ports/result.ts";
import { sourceEpochSeconds } from "../package/source-epoch.ts";
import { runShown } from "../setup/kept-build.ts";
import { thisMachine } from "../setup/machine.ts";
import { fail, ok, type Issue, type Result } from "../tool-result.ts";
import { ensureImageTools, makeImage } from "./make-image.ts";
import { readOptions, USAGE, whyNoPublicKey, type ImageOptions } from "./options.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PACKAGE_TIMEOUT_MS = 20 * 60_000;
const MIB = 1024 * 1024;

const read = readOptions(process.argv.slice(2));
if (!read.ok) process.exitCode = complain(read.error, 2);
else if (read.value === undefined) console.log(USAGE);
else {
  const made = await make(read.value);
  process.exitCode = made.ok ? 0 : complain(made.error, 1);
}

async function make(options: ImageOptions): Promise<Result<void>> {
  const inputs = checkInputs(options);
  if (!inputs.ok) return inputs;
  // Before the package, which takes minutes.
  const tools = await ensureImageTools(thisMachine);
  if (!tools.ok) return tools;
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  const name = `vitrine-${version}-${options.release}`;
  const packagePath = options.packagePath === undefined ? await buildPackage(version, options.releaseKeyPath) : ok(resolve(options.packagePath));
  if (!packagePath.ok) return packagePath;
  const out = resolve(options.out === "" ? `${name}.img` : options.out);
  const made = await makeImage({
    ...options,
    machine: thisMachine,
    out,
    cacheDir: join(ROOT, ".vitrine", "pi-image"),
    vitrine: { packagePath: packagePath.value },
    name,
    epochSeconds: await sourceEpochSeconds(ROOT),
  });
  if (!made.ok) return made;
  console.log(`${out}: ${Math.round(statSync(out).size / MIB)} MiB\nWrite it to a card:  dd if=${out} of=/dev/CARD bs=4M conv=fsync status=progress`);
  return made;
}

/** Wrong files are found now, not after half an hour. */
function checkInputs({ packagePath, sshKeyPath, provisioningPath }: ImageOptions): Result<void> {
  try {
    if (packagePath !== undefined && readFileSync(packagePath).subarray(0, 8).toString("latin1") !== "!<arch>\n") return fail("image.usage", `${packagePath} is no Debian package.`);
    const noKey = sshKeyPath === undefined ? undefined : whyNoPublicKey(readFileSync(sshKeyPath, "utf8"));
    if (noKey !== undefined) return fail("image.usage", `${sshKeyPath} cannot be used for ssh: ${noKey}.`);
    const provisioning = provisioningPath === undefined ? ok(undefined) : parseProvisioning(provisioningPath, readFileSync(provisioningPath), true);
    return provisioning.ok ? ok(undefined) : fail("image.usage", provisioning.error.message, provisioning.error.hint);
  } catch (thrown) {
    return fail("image.usage", `an input cannot be read: ${messageOf(thrown)}`);
  }
}

async function buildPackage(version: string, releaseKeyPath: string | undefined): Promise<Result<string>> {
  const out = join(ROOT, "dist", "package");
  const status = await runShown(process.execPath, [join(ROOT, "scripts/package/main.ts"), "--arch", "arm64", "--out", out, ...(releaseKeyPath === undefined ? [] : ["--release-key", resolve(releaseKeyPath)])], PACKAGE_TIMEOUT_MS);
  return status === 0 ? ok(join(out, `vitrine_${version}_arm64.deb`)) : fail("image.package", `the package could not be built: npm run package:deb ended with ${status}; its output is above.`);
}

function complain({ code, message, hint }: Issue, exit: number): number {
  console.error(`${message} [${code}]${hint === undefined ? "" : `\n  → ${hint}`}`);
  return exit;
}
