import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportSkipped } from "../ports/testing/bench.ts";
import { createLinuxProbe } from "./linux-adapter.ts";
import { systemClock, SystemTimers } from "./system-clock.ts";

const probeOf = (dataDir: string) => createLinuxProbe({ clock: systemClock, timers: new SystemTimers(), dataDir });
/** An ext4 file system of its own, on a loop device. The kernel lets root make errors in it. */
const canMount = process.platform === "linux" && process.getuid?.() === 0 && existsSync("/dev/loop-control") && existsSync("/sbin/mke2fs");

if (!canMount) reportSkipped("error counters and writes of a real ext4 file system", "it needs root, loop devices and mke2fs");

describe.runIf(canMount)("an ext4 file system on a loop device", () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-ext4-"));
  const mount = join(folder, "mount");
  let device = "";
  let mounted = false;
  beforeAll(() => {
    const image = join(folder, "image");
    mkdirSync(mount);
    execFileSync("truncate", ["-s", "16M", image]);
    execFileSync("/sbin/mke2fs", ["-q", "-t", "ext4", "-e", "continue", image]);
    execFileSync("mount", ["-o", "loop", image, mount]);
    mounted = true;
    device = basename(execFileSync("findmnt", ["-n", "-o", "SOURCE", mount], { encoding: "utf8" }).trim());
  });
  afterAll(() => {
    if (mounted) execFileSync("umount", [mount]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("an error that the kernel records is counted, with its time; the machine's own disk stays as it was", async () => {
    const probe = probeOf(mount);
    const countOf = async (name: string) => {
      const { fileSystems } = await probe.storage();
      return fileSystems.kind === "ok" ? fileSystems.value.find((each) => each.name === name) : undefined;
    };
    expect((await probe.storage()).device).toMatchObject({ kind: "ok", value: device });
    expect(await countOf(device)).toEqual({ name: device, count: 0 });
    const beforeMs = Date.now();
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, "vitrine test");
    // ext4 takes an error into its count in a task of its own.
    await expect.poll(async () => (await countOf(device))?.count).toBe(1);
    const found = await countOf(device);
    expect(Math.abs((found?.lastMs ?? 0) - beforeMs)).toBeLessThan(60_000);
    expect(found?.firstMs).toBe(found?.lastMs);
  });

  test("a trial reaches the disk: its block is written for each, and read back from there", async () => {
    const probe = probeOf(mount);
    await probe.tryStorage();
    const sectors = (): { read: number; written: number } => {
      const columns = readFileSync(`/sys/block/${device}/stat`, "utf8").trim().split(/\s+/).map(Number);
      return { read: columns[2] ?? 0, written: columns[6] ?? 0 };
    };
    const before = sectors();
    for (let i = 0; i < 24; i++) {
      expect(await probe.tryStorage()).toMatchObject({ kind: "ok", value: { fromDisk: true } });
      // An hour lies between them, in which the journal is written.
      execFileSync("sync", ["-f", mount]);
    }
    const after = sectors();
    expect(after.read - before.read).toBeGreaterThanOrEqual(24 * 8);
    expect(after.written - before.written).toBeGreaterThanOrEqual(24 * 8);
    // A day's trials: the blocks, and the inode in the journal.
    expect((after.written - before.written) * 512).toBeLessThan(2 * 1024 * 1024);
  });

  test("a file system that became read-only is unwritable, and a full one is not", async () => {
    execFileSync("mount", ["-o", "remount,ro", mount]);
    expect(await probeOf(mount).tryStorage()).toMatchObject({ kind: "failed", error: { code: "disk.unwritable" } });
    execFileSync("mount", ["-o", "remount,rw", mount]);
    rmSync(join(mount, "storage-trial.bin"));
    const filler = join(mount, "filler");
    expect(() => execFileSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=64K"], { stdio: "pipe" })).toThrow(/No space left/);
    expect(() => execFileSync("dd", ["if=/dev/zero", `of=${filler}-rest`, "bs=1K"], { stdio: "pipe" })).toThrow(/No space left/);
    expect(statSync(filler).size).toBeGreaterThan(0);
    expect(await probeOf(mount).tryStorage()).toMatchObject({ kind: "unknown" });
  });
});
