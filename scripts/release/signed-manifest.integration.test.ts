import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeDeb } from "../../agent/updater/testing/test-release.ts";
import { UpdaterBench } from "../../agent/updater/testing/updater-bench.ts";
import { systemRandom } from "../../platform/linux/system-random.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { newReleaseKey, readReleaseKey, whyNoReleaseKey } from "./release-key.ts";
import { signedManifest } from "./signed-manifest.ts";

const why = existsSync("/usr/bin/dpkg-deb") ? undefined : "this machine has no dpkg-deb";
if (why !== undefined) reportLeftOut("signing a release of real Debian packages", why);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-manifest-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(why !== undefined)("release manifest", () => {
  test("a device that has the public key takes the manifest, and another one does not", async () => {
    await newReleaseKey(join(folder, "release"), systemRandom);
    expect(statSync(join(folder, "release")).mode & 0o777).toBe(0o600);
    const made = await signedManifest({ packages: [makeDeb(folder, { version: "1.1.0-rc.1" })], browsers: [], base: "https://releases.example/x/", downgrade: false, key: await readReleaseKey(join(folder, "release")) });
    if (!made.ok) throw new Error(made.error.message);
    expect(made.value).toMatchObject({ version: "1.1.0-rc.1", architectures: ["amd64"] });
    const bench = new UpdaterBench();
    try {
      await bench.start();
      expect(await bench.updater.check(made.value.signed)).toMatchObject({ ok: false, error: { code: "update.unknown-key" } });
      writeFileSync(join(bench.root, "keys/new.pub"), readFileSync(join(folder, "release.pub")));
      expect(await bench.updater.check(made.value.signed)).toMatchObject({ ok: true, value: { version: "1.1.0-rc.1", package: { url: "https://releases.example/x/vitrine_1.1.0-rc.1_amd64.deb" } } });
    } finally {
      await bench.remove();
    }
  });

  test("a key that others can read, a second package for one architecture and a file that is no package are refused", async () => {
    await newReleaseKey(join(folder, "release"), systemRandom);
    const key = await readReleaseKey(join(folder, "release"));
    await expect(readReleaseKey(join(folder, "release.pub"))).rejects.toThrow(".pub is the public half");
    expect(whyNoReleaseKey("release.pub", await readFile(join(folder, "release.pub"), "utf8"))).toBeUndefined();
    expect(whyNoReleaseKey("release.pub", await readFile(join(folder, "release"), "utf8"))).toContain("secret half");
    expect(whyNoReleaseKey("release", await readFile(join(folder, "release.pub"), "utf8"))).toContain("ends in .pub");
    await expect(newReleaseKey(join(folder, "release"), systemRandom)).rejects.toThrow("exists already");
    chmodSync(join(folder, "release"), 0o644);
    await expect(readReleaseKey(join(folder, "release"))).rejects.toThrow("can be read by others");
    const deb = makeDeb(folder, { version: "1.1.0" });
    const make = (packages: readonly string[], browsers: readonly string[] = []) => signedManifest({ packages, browsers, base: "https://releases.example", downgrade: false, key });
    expect(await make([deb, deb])).toMatchObject({ ok: false, error: { code: "manifest.package", message: `${deb} is a second package for amd64` } });
    expect(await make([deb, makeDeb(folder, { version: "1.2.0" })])).toMatchObject({ ok: false, error: { code: "manifest.package" } });
    expect(await make([join(folder, "release.pub")])).toMatchObject({ ok: false, error: { code: "manifest.package" } });
    expect(await make([deb], ["chromium.tar@156"])).toMatchObject({ ok: false, error: { code: "manifest.browser" } });
  });
});
