import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";
import { FakeMachine } from "../setup/testing/fake-machine.ts";
import { ensureImageTools } from "../pi-image/make-image.ts";
import { AGENT, asUser, whyNoOtherUsers } from "../systemd/testing/other-users.ts";
import { buildDeb } from "./build-deb.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const cannot = whyNoOtherUsers();
if (cannot !== undefined) reportLeftOut("a card image that another user than root asks for", cannot);

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-tools-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("without dpkg-deb npm run package:deb says so at once, and what to install", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/package/main.ts"), "--out", folder], { encoding: "utf8", env: { PATH: folder }, timeout: 25_000 });
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/dpkg-deb cannot be run: .*\[package\.no-dpkg\]\n {2}→ .*package dpkg/);
});

test("a folder that the package cannot be put into is named before anything is packed", async () => {
  writeFileSync(join(folder, "file"), "");
  const built = await buildDeb({ root: folder, arch: "amd64", version: "1.0.0", out: join(folder, "file", "out"), cache: folder, epochSeconds: 0 });
  expect(built).toMatchObject({ ok: false, error: { code: "package.out", message: expect.stringContaining(join(folder, "file", "out")) as string, hint: expect.stringContaining("--out") as string } });
});

test.skipIf(cannot !== undefined)("npm run pi:image asks for root before it builds the package", () => {
  const [program, ...args] = asUser({ uid: AGENT }, process.execPath, [join(ROOT, "scripts/pi-image/main.ts")]);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", cwd: tmpdir(), timeout: 25_000 });
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/as root.*\[image\.no-tools\]\n {2}→ Run it with sudo/);
});

test("a machine without the tools for a card image is told all of them, and the command that installs them", async () => {
  const machine = new FakeMachine({ isRoot: true, programs: { "/sbin/mke2fs": "1.47" } });
  expect(await ensureImageTools(machine)).toMatchObject({ ok: false, error: { code: "image.no-tools", message: "/usr/bin/mmdebstrap, /usr/bin/mcopy, /sbin/mkfs.vfat, /sbin/sfdisk are not here.", hint: expect.stringContaining("apt-get install mmdebstrap mtools dosfstools e2fsprogs fdisk") as string } });
  expect(await ensureImageTools(new FakeMachine({ isRoot: true, platform: "darwin" }))).toMatchObject({ ok: false, error: { code: "image.no-tools", message: expect.stringContaining("darwin") as string } });
});
