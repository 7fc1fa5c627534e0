import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildApart } from "../build/build-apart.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { BootedRoot, quickFolder, whyNoBoot } from "./testing/booted-root.ts";
import { buildTestDeb } from "./testing/test-debs.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CACHE = "/var/cache/vitrine";
const why = whyNoBoot();
if (why !== undefined) reportLeftOut("installations that a power cut interrupts, on a booted Debian 13", why);

describe.skipIf(why !== undefined)("an installation by dpkg that a power cut interrupts is finished at the next boot", () => {
  let folder: string;
  let device: BootedRoot;
  /** File names in the device's /root. */
  const debs: Record<string, string> = {};

  beforeAll(async () => {
    folder = quickFolder("vitrine-repair-");
    await buildApart(ROOT);
    device = await BootedRoot.boot();
    for (const version of ["0.1.0", "0.2.0"]) debs[version] = await device.give(await buildTestDeb(folder, version));
    await device.installStandIns();
    await device.read(`dpkg --force-unsafe-io --install ${debs["0.1.0"] ?? ""}`);
  }, 400_000);

  afterAll(async () => {
    await device?.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** Kills dpkg the first time it comes to this script of version 0.2.0, cuts the power, and boots. */
  async function interrupted(script: "preinst" | "postinst", status: string): Promise<void> {
    await device.read(`rm -rf tree cut && dpkg-deb -R ${debs["0.2.0"] ?? ""} tree && [ -e tree/DEBIAN/postinst ] && touch tree/DEBIAN/${script} &&
      { echo '#!/bin/sh'; echo '[ -e /root/cut ] || { touch /root/cut; kill -KILL $PPID; }'; sed 1d tree/DEBIAN/${script}; } > script && install -m 755 script tree/DEBIAN/${script} &&
      dpkg-deb -Znone --root-owner-group -b tree cut.deb`);
    expect((await device.run("dpkg --force-unsafe-io --install cut.deb")).status).not.toBe(0);
    expect(await state()).toBe(status);
    await device.read("sync");
    await device.powerCut();
  }
  const state = (): Promise<string> => device.read(`dpkg-query --show --showformat '\${db:Status-Status} \${Version}' vitrine`);
  /** What the unit has said in this boot, once it has ended. */
  const said = async (): Promise<string> => {
    await device.until("! systemctl is-active --quiet vitrine-repair && systemctl show -P ExecMainExitTimestamp vitrine-repair | grep -q .", 120_000);
    return device.read("journalctl --boot --unit=vitrine-repair --output=cat --no-pager");
  };
  const version = async (): Promise<string> => (JSON.parse(await device.until("vitrine status --json")) as { agentVersion: string }).agentVersion;

  test("one that was unpacked is configured, and its agent runs", async () => {
    await interrupted("postinst", "half-configured 0.2.0");
    expect(await said()).toContain("version 0.2.0 is installed");
    expect([await state(), await version()]).toEqual(["installed 0.2.0", "0.2.0"]);
    expect(await device.read("dpkg --audit; dpkg --verify vitrine")).toBe("");
  }, 240_000);

  test("one that was not unpacked to its end is replaced by the kept package that ran before", async () => {
    await device.read(`mkdir -p ${CACHE} && cp ${debs["0.1.0"] ?? ""} ${CACHE}/installed.deb && cp ${debs["0.2.0"] ?? ""} ${CACHE}/wanted.deb`);
    await interrupted("preinst", "half-installed 0.2.0");
    expect(await said()).toMatch(/half-installed; installing version 0\.1\.0[^]*version 0\.1\.0 is installed/);
    expect([await state(), await version()]).toEqual(["installed 0.1.0", "0.1.0"]);
  }, 240_000);

  test("before the first update has kept one, by the package that was being installed", async () => {
    await device.read(`rm ${CACHE}/installed.deb`);
    await interrupted("preinst", "half-installed 0.1.0");
    expect(await said()).toContain("version 0.2.0 is installed");
    expect([await state(), await version()]).toEqual(["installed 0.2.0", "0.2.0"]);
  }, 240_000);

  test("where no package is kept, the unit fails and says what to do, and the agent goes on", async () => {
    await device.read(`rm -r ${CACHE}`);
    await interrupted("preinst", "half-installed 0.2.0");
    expect(await said()).toContain("install it again: sudo apt install");
    expect(await device.read("systemctl is-failed vitrine-repair")).toBe("failed");
    expect(await version()).toBe("0.2.0");
  }, 240_000);

  test("a boot after that which finds nothing to finish does not run it", async () => {
    await device.read(`dpkg --force-unsafe-io --install ${debs["0.2.0"] ?? ""}`);
    await device.powerCut();
    await device.until("systemctl is-active vitrine-agent");
    expect(await device.read("systemctl show -P ConditionResult vitrine-repair; systemctl is-enabled vitrine-repair")).toBe("no\nenabled");
  }, 240_000);
});
