import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";

const NAME_DEVICE = join(import.meta.dirname, "root/usr/lib/vitrine-image/name-device");
const OVERLAY = join(import.meta.dirname, "read-only/etc/initramfs-tools/scripts/init-bottom/vitrine-overlay");

describe("the name of a device at its first boot", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "vitrine-name-"));
    for (const folder of ["etc", "proc/device-tree"]) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, "etc/hostname"), "localhost\n");
    writeFileSync(join(root, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test.each([
    ["the end of the board's serial number", "10000000ABCD1234\0", "vitrine-abcd1234"],
    ["the end of the machine id where the number is zero, as an emulator's is", "0000000000000000\0", "vitrine-89abcdef"],
    ["the end of the machine id where there is no number", undefined, "vitrine-89abcdef"],
  ])("is %s", (_name, serial, expected) => {
    if (serial !== undefined) writeFileSync(join(root, "proc/device-tree/serial-number"), serial);
    expect(spawnSync("sh", [NAME_DEVICE, root], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(root, "etc/hostname"), "utf8")).toBe(`${expected}\n`);
    expect(readdirSync(join(root, "etc")).sort()).toEqual(["hostname", "machine-id"]);
  });

  test("stays when there is neither", () => {
    writeFileSync(join(root, "etc/machine-id"), "uninitialized\n");
    expect(spawnSync("sh", [NAME_DEVICE, root], { encoding: "utf8" }).status).toBe(0);
    expect(readFileSync(join(root, "etc/hostname"), "utf8")).toBe("localhost\n");
  });
});

const why = whyNoOverlay();
if (why !== undefined) reportLeftOut("the overlay over a read-only root", why);

function whyNoOverlay(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can mount";
  const script = 'd=$(mktemp -d) && mount -t tmpfs x "$d" && mkdir "$d/l" "$d/u" "$d/w" "$d/m" && mount -t overlay -o "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w" x "$d/m"; rc=$?; umount -R "$d"; rmdir "$d"; exit $rc';
  return spawnSync("unshare", ["--mount", "sh", "-c", script]).status === 0 ? undefined : "no overlay can be mounted here";
}

describe.skipIf(why !== undefined)("the overlay over a read-only root", () => {
  let place = "";
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "vitrine-overlay-"));
    mkdirSync(join(place, "root/etc"), { recursive: true });
    writeFileSync(join(place, "root/etc/fstab"), "LABEL=vitrine-root / ext4 noatime 0 1\nLABEL=VITRINE /boot/firmware vfat noatime 0 2\n");
    writeFileSync(join(place, "root/etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
    writeFileSync(join(place, "cmdline"), "root=LABEL=vitrine-root ro vitrine.overlay quiet\n");
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  /** Runs the script as the initramfs does, in a mount namespace, then `then` in it. */
  function boot(then: string) {
    const program = readFileSync(OVERLAY, "utf8").replaceAll("/proc/cmdline", `${place}/cmdline`).replace(". /scripts/functions", 'panic() { echo "panic: $*"; exit 9; }').replaceAll("/run/vitrine-root", `${place}/run`).replace("modprobe -q overlay", "true").replaceAll("exit 0", "return 0");
    const script = `mount --bind ${place}/root ${place}/root && mount --make-private ${place}/root; rootmnt=${place}/root; step() {\n${program}\n}; step || exit 8; cd /; ${then}`;
    return spawnSync("unshare", ["--mount", "sh", "-c", script], { encoding: "utf8" });
  }

  test("what is written is over the root and not in it, and the root's own row is not mounted again", () => {
    const { stdout, stderr, status } = boot(`echo new > ${place}/root/etc/new; cat ${place}/root/etc/new ${place}/root/etc/fstab; ls ${place}/run/lower/etc`);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toBe("new\n\nLABEL=VITRINE /boot/firmware vfat noatime 0 2\nfstab\nmachine-id\n");
    expect(existsSync(join(place, "root/etc/new"))).toBe(false);
    expect(readFileSync(join(place, "root/etc/fstab"), "utf8")).toContain("LABEL=vitrine-root / ");
  });

  test.each([
    ["at the first boot, before systemd has made the machine id", "etc/machine-id", "uninitialized\n"],
    ["where the word is not on the kernel's command line", "../cmdline", "root=LABEL=vitrine-root\n"],
  ])("%s the root is written itself", (_name, file, text) => {
    writeFileSync(join(place, "root", file), text);
    expect(boot(`echo new > ${place}/root/etc/new`)).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(place, "root/etc/new"), "utf8")).toBe("new\n");
  });
});
