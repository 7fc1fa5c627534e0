import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mountsBelow } from "./campaign-folder.ts";

/** Mounts both disks as the campaign does, reports that, and waits to be ended. */
const PROGRAM = `
  import { mkdtempSync, writeFileSync } from "node:fs";
  import { tmpdir } from "node:os";
  import { join } from "node:path";
  import { mountSmallDisk } from "${join(import.meta.dirname, "../../../agent/node/sqlite/testing/small-disk.ts")}";
  import { mountLoopDisk } from "${join(import.meta.dirname, "../storage/loop-disk.ts")}";
  import { campaignFolder } from "${join(import.meta.dirname, "campaign-folder.ts")}";
  const folder = campaignFolder("campaign-");
  const disks = [mountSmallDisk(1 << 20), mountLoopDisk(8 << 20)];
  for (const disk of disks) if ("folder" in disk) writeFileSync(join(disk.folder, "file"), "x");
  writeFileSync(join(mkdtempSync(join(tmpdir(), "other-")), "file"), "x");
  console.log(JSON.stringify({ path: folder.path, left: disks.flatMap((disk) => ("why" in disk ? [disk.why] : [])) }));
  setInterval(() => undefined, 1_000);
`;

test.each(["SIGINT", "SIGTERM"] as const)("after %s nothing stays mounted and no folder is left", { timeout: 20_000 }, async (signal) => {
  const parent = mkdtempSync(join(tmpdir(), "vitrine-campaign-test-"));
  const child = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM], { env: { ...process.env, TMPDIR: parent }, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { path, left } = JSON.parse(line.toString()) as { path: string; left: string[] };
    for (const why of left) console.log(`LEFT OUT: ${why}`);
    const mounts = (): readonly string[] => mountsBelow(path, readFileSync("/proc/self/mounts", "utf8"));
    expect(mounts()).toHaveLength(2 - left.length);
    child.kill(signal);
    await once(child, "exit");
    expect(mounts()).toEqual([]);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(parent)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
    rmSync(parent, { recursive: true, force: true });
  }
});

test.each([["kill.ts", ["--kills", "1", "--writes", "0"]], ["soak.ts", ["--days", "1"]]] as const)("a campaign that a signal ends leaves no folder: %s", { timeout: 60_000 }, async (program, args) => {
  const parent = mkdtempSync(join(tmpdir(), "vitrine-campaign-test-"));
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", program), ...args], { env: { ...process.env, TMPDIR: parent }, stdio: "ignore" });
  try {
    await expect.poll(() => readdirSync(parent).length, { timeout: 40_000 }).toBe(1);
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
    expect(readdirSync(parent)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
    rmSync(parent, { recursive: true, force: true });
  }
});

test("mounts are only those below the folder, innermost first", () => {
  const mounts = "tmpfs /tmp/a tmpfs rw 0 0\ntmpfs /tmp/a/b tmpfs rw 0 0\n/dev/loop0 /tmp/a/b/c\\040d ext4 rw 0 0\ntmpfs /tmp/ab tmpfs rw 0 0\n";
  expect(mountsBelow("/tmp/a", mounts)).toEqual(["/tmp/a/b/c d", "/tmp/a/b"]);
});
