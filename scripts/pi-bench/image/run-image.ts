import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { silentLog } from "../../../platform/ports/log.ts";
import { startDevCloud } from "../../dev-cloud/dev-cloud.ts";
import { sourceEpochSeconds } from "../../package/source-epoch.ts";
import { makeImage, type MakeImage } from "../../pi-image/make-image.ts";
import { runShown } from "../../setup/kept-build.ts";
import { thisMachine } from "../../setup/machine.ts";
import { fail, ok, type Result } from "../../tool-result.ts";
import { runChecks } from "../agent/checks.ts";
import type { Figure } from "../figures.ts";
import type { SuiteResult } from "../tap.ts";
import { EmulatedImage } from "./emulated-image.ts";
import { IMAGE_CHECKS } from "./image-checks.ts";
import { idleWrites } from "./idle-writes.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PACKAGE_TIMEOUT_MS = 20 * 60_000;
const CLAIM_TOKEN = "bench-image-claim-token";

export interface ImageRun {
  /** Images, packages and what they are made of. */
  readonly work: string;
  readonly consolePath: string;
  /** Only checks with this text in their name run, and those that are needed. */
  readonly check: string;
  /** Also measures what an idle day writes, beside an image of the same Debian packages alone. */
  readonly withWrites: boolean;
}

/** Makes a card image without a browser, boots it and checks what becomes of it. */
export async function runImage({ work, consolePath, check, withWrites }: ImageRun): Promise<Result<{ readonly result: SuiteResult; readonly figures: readonly Figure[] }>> {
  mkdirSync(work, { recursive: true });
  const packagePath = await buildPackage(join(work, "package"));
  if (!packagePath.ok) return packagePath;
  const image = await make(work, "vitrine.img", { packagePath: packagePath.value });
  if (!image.ok) return image;
  const folder = mkdtempSync(join(tmpdir(), "pi-image-run-"));
  const deviceName = "Out of a blank card";
  const cloud = await startDevCloud({ port: 0, host: "127.0.0.1", data: join(folder, "cloud"), autoClaim: false, claimTokens: [CLAIM_TOKEN], survives: "process" }, silentLog, "bench");
  writeFileSync(join(folder, "vitrine.json"), JSON.stringify({ endpoints: [`${cloud.base.replace("http", "ws")}/device/v1`], claimToken: CLAIM_TOKEN, deviceName }));
  const pi = await EmulatedImage.open({ image: image.value, consolePath }, new Map([["vitrine.json", join(folder, "vitrine.json")]]));
  try {
    const checks = IMAGE_CHECKS.filter(({ name, needed }) => needed === true || name.includes(check));
    const result = await runChecks(checks, { pi, cloud, deviceName, revive: () => pi.revive() });
    if (!withWrites || !result.complete) return ok({ result, figures: [] });
    const bare = await make(work, "bare.img", undefined);
    if (!bare.ok) return bare;
    return ok({ result, figures: [await idleWrites(pi, { image: bare.value, consolePath: `${consolePath}.bare` })] });
  } finally {
    await pi.close();
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function make(work: string, name: string, vitrine: MakeImage["vitrine"]): Promise<Result<string>> {
  const out = join(work, name);
  const made = await makeImage({
    machine: thisMachine, out, cacheDir: join(ROOT, ".vitrine", "pi-image"), name: `bench-${name}`, epochSeconds: await sourceEpochSeconds(ROOT),
    release: "trixie", readOnly: false, withoutBrowser: true, sshKeyPath: undefined, provisioningPath: undefined, ...(vitrine !== undefined && { vitrine }),
  });
  return made.ok ? ok(out) : made;
}

async function buildPackage(out: string): Promise<Result<string>> {
  const status = await runShown(process.execPath, [join(ROOT, "scripts/package/main.ts"), "--arch", "arm64", "--out", out], PACKAGE_TIMEOUT_MS);
  const name = status === 0 ? readdirSync(out).find((each) => each.endsWith("_arm64.deb")) : undefined;
  return name === undefined ? fail("image.package", `the package could not be built: npm run package:deb ended with ${status}; its output is above.`) : ok(join(out, name));
}
