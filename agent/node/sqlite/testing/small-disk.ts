import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storageIssueOrThrow } from "../storage-issue.ts";

/** A real file system of a few MiB that can be filled up and made read-only. */
export interface SmallDisk {
  readonly folder: string;
  /** Writes until the disk is full to the last byte. */
  fill(): void;
  /** Deletes what `fill` wrote. */
  empty(): void;
  remount(mode: "ro" | "rw"): void;
  dispose(): void;
}

/** Mounts a small disk, or returns why this machine cannot. */
export function mountSmallDisk(bytes: number): SmallDisk | { readonly why: string } {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (thrown) {
    rmSync(folder, { recursive: true });
    return { why: `no tmpfs can be mounted: ${thrown instanceof Error ? (thrown.message.split("\n")[0] ?? "") : String(thrown)}` };
  }
  return diskAt(folder, folder);
}

/** Wraps what is mounted at `folder`. `dispose` removes `whole`: the folder, or its parent. */
export function diskAt(folder: string, whole: string): SmallDisk {
  const ballast = join(folder, "ballast");
  return {
    folder,
    fill: () => fill(ballast),
    empty: () => rmSync(ballast, { force: true }),
    remount: (mode) => execFileSync("mount", ["-o", `remount,${mode}`, folder], { stdio: "pipe" }),
    dispose: () => {
      execFileSync("umount", ["-l", folder], { stdio: "pipe" });
      rmSync(whole, { recursive: true, force: true });
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
        if (storageIssueOrThrow(thrown).code !== "storage.full") throw thrown;
      }
    }
  } finally {
    closeSync(fd);
  }
}
