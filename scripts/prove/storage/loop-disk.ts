import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../platform/ports/result.ts";
import type { SmallDisk } from "../../../agent/node/sqlite/testing/small-disk.ts";

/** A real ext4 of a few MiB in a file, or why this machine cannot have one. */
export function mountLoopDisk(bytes: number): SmallDisk | { readonly why: string } {
  const parent = mkdtempSync(join(tmpdir(), "vitrine-loop-"));
  const image = join(parent, "image");
  const folder = mkdtempSync(join(parent, "mnt-"));
  try {
    const fd = openSync(image, "w");
    ftruncateSync(fd, bytes);
    closeSync(fd);
    execFileSync("mkfs.ext4", ["-q", "-m", "0", image], { stdio: "pipe" });
    execFileSync("mount", ["-o", "loop", image, folder], { stdio: "pipe" });
  } catch (thrown) {
    rmSync(parent, { recursive: true, force: true });
    return { why: `no ext4 can be mounted: ${messageOf(thrown).split("\n")[0] ?? ""}` };
  }
  const ballast = join(folder, "ballast");
  return {
    folder,
    fill: () => fill(ballast),
    empty: () => rmSync(ballast, { force: true }),
    remount: (mode) => execFileSync("mount", ["-o", `remount,${mode}`, folder], { stdio: "pipe" }),
    dispose: () => {
      execFileSync("umount", ["-l", folder], { stdio: "pipe" });
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

function fill(path: string): void {
  const fd = openSync(path, "a");
  try {
    for (let chunk = 64 * 1024; chunk >= 1; chunk = Math.floor(chunk / 2)) {
      try {
        for (;;) writeSync(fd, new Uint8Array(chunk));
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
      }
    }
  } finally {
    closeSync(fd);
  }
}
