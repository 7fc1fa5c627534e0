import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../platform/ports/result.ts";
import { diskAt, type SmallDisk } from "../../../agent/node/sqlite/testing/small-disk.ts";

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
  return diskAt(folder, parent);
}
