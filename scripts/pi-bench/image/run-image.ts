import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { silentLog } from "../../../platform/ports/log.ts";
import { buildApart } from "../../build/build-apart.ts";
import { startDevCloud } from "../../dev-cloud/dev-cloud.ts";
import { buildDeb } from "../../package/build-deb.ts";
import { sourceEpochSeconds } from "../../package/source-epoch.ts";
import { makeImage, type MakeImage } from "../../pi-image/make-image.ts";
import { thisMachine } from "../../setup/machine.ts";
import { ok, type Result } from "../../tool-result.ts";
import { runChecks } from "../agent/checks.ts";
import { printFigures, type Figure } from "../figures.ts";
import type { SuiteResult } from "../tap.ts";
import { writeBenchPage } from "./bench-page.ts";
import { EmulatedImage, type ImageOptions } from "./emulated-image.ts";
import { imageChecks } from "./image-checks.ts";
import { IMAGE_FORMS, type ImageKind } from "./image-kind.ts";
import { idleWrites } from "./idle-writes.ts";
import { powerOn, preparePlain } from "./power-on.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const CLAIM_TOKEN = "bench-image-claim-token";

export interface ImageRun {
  /** Images, packages and what they are made of. */
  readonly work: string;
  readonly consolePath: string;
  /** Only checks with this text in their name run, and those that are needed. */
  readonly check: string;
  readonly kind: ImageKind;
  /** Also measures power on to the first right picture, beside plain Chromium. Only with a screen. */
  readonly withPowerOn: boolean;
  /** Also measures what an idle day writes, beside an image of the same Debian packages alone. */
  readonly withWrites: boolean;
}

/** Makes a card image, boots it from a blank card, checks what becomes of it, and measures. */
export async function runImage({ work, consolePath, check, kind, withPowerOn, withWrites }: ImageRun): Promise<Result<{ readonly result: SuiteResult; readonly figures: readonly Figure[] }>> {
  const { machine } = IMAGE_FORMS[kind];
  const image = await makeBenchImage(work, kind);
  if (!image.ok) return image;
  const folder = mkdtempSync(join(tmpdir(), "pi-image-run-"));
  const deviceName = "Out of a blank card";
  const cloud = await startDevCloud({ port: 0, host: "127.0.0.1", data: join(folder, "cloud"), sample: writeBenchPage(folder), autoClaim: false, claimTokens: [CLAIM_TOKEN], survives: "process" }, silentLog, "bench");
  writeFileSync(join(folder, "vitrine.json"), JSON.stringify({ endpoints: [`${cloud.base.replace("http", "ws")}/device/v1`], claimToken: CLAIM_TOKEN, deviceName }));
  const options: ImageOptions = { image: image.value, consolePath, machine, cloudPort: Number(new URL(cloud.base).port) };
  const pi = await EmulatedImage.open(options, new Map([["vitrine.json", join(folder, "vitrine.json")]]));
  try {
    const checks = imageChecks(kind).filter(({ name, needed }) => needed === true || name.includes(check));
    const result = await runChecks(checks, { pi, cloud, deviceName, revive: () => pi.revive() });
    const figures: Figure[] = [];
    // Each is printed at once too, since what follows takes long.
    const add = (figure: Figure): void => {
      figures.push(figure);
      printFigures([figure]);
    };
    if (withPowerOn && result.complete) {
      // Beside another machine, plain Chromium was seen to keep a white screen for good.
      await pi.shutDown();
      const plain = await preparePlain(options);
      try {
        add(await powerOn(pi, plain));
      } finally {
        await plain.close();
      }
    }
    if (withWrites && result.complete) {
      const bare = await make(work, `bare-${kind}`, kind);
      if (!bare.ok) return bare;
      if (withPowerOn) await pi.boot();
      // Writes are counted, not timed, so that both machines may run at once.
      add(await idleWrites(pi, { image: bare.value, consolePath: `${consolePath}.bare`, machine }));
    }
    return ok({ result, figures });
  } finally {
    await pi.close();
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the card image of the package of this tree, and returns its path. */
export async function makeBenchImage(work: string, kind: ImageRun["kind"]): Promise<Result<string>> {
  mkdirSync(work, { recursive: true });
  const packagePath = await buildPackage(join(work, "package"));
  return packagePath.ok ? make(work, `vitrine-${kind}`, kind, { packagePath: packagePath.value }) : packagePath;
}

async function make(work: string, name: string, kind: ImageKind, vitrine?: MakeImage["vitrine"]): Promise<Result<string>> {
  const { withoutBrowser, readOnly } = IMAGE_FORMS[kind];
  const out = join(work, `${name}.img`);
  const made = await makeImage({
    machine: thisMachine, out, cacheDir: join(ROOT, ".vitrine", "pi-image"), name: `bench-${name}`, epochSeconds: await sourceEpochSeconds(ROOT),
    release: "trixie", readOnly, withoutBrowser, sshKeyPath: undefined, provisioningPath: undefined, ...(vitrine !== undefined && { vitrine }),
  });
  return made.ok ? ok(out) : made;
}

/** Hardly compressed: the image is the same, and an emulator's host has better things to do. */
async function buildPackage(out: string): Promise<Result<string>> {
  await buildApart(ROOT);
  const built = await buildDeb({ root: ROOT, arch: "arm64", version: "0.1.0", out, cache: join(ROOT, ".vitrine/package"), epochSeconds: await sourceEpochSeconds(ROOT), compression: 0 });
  return built.ok ? ok(built.value.path) : built;
}
