import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../platform/ports/result.ts";

/** Folder for everything that must not outlive a campaign. */
export interface CampaignFolder {
  readonly path: string;
  /** Registers another removal. */
  onEnd(remove: () => void): void;
  /** Keeps the folder, because it has the files of a violation. */
  keep(): void;
}

/**
 * A temporary folder that holds all other temporary folders of this process (`TMPDIR`). When the process ends, by a signal
 * too, its mounts are unmounted and it is removed. Modules that kill their processes at exit must be imported before this
 * is called, so that nothing writes to the folder any more.
 */
export function campaignFolder(prefix: string): CampaignFolder {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const ends: (() => void)[] = [];
  let kept = false;
  process.env["TMPDIR"] = path;
  process.once("exit", () => {
    for (const mount of mountsBelow(path, readFileSync("/proc/self/mounts", "utf8"))) unmount(mount);
    for (const end of ends) end();
    // A process killed just now may still be writing.
    if (!kept) rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(128 + constants.signals[signal]));
  return {
    path,
    onEnd: (remove) => void ends.push(remove),
    keep: () => {
      kept = true;
    },
  };
}

/** Mount points below `folder`, innermost first. `mounts`: text of /proc/self/mounts, which escapes white space in octal. */
export function mountsBelow(folder: string, mounts: string): readonly string[] {
  const places = mounts.split("\n").map((line) => (line.split(" ")[1] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8))));
  return places.filter((place) => place.startsWith(`${folder}/`)).sort((a, b) => b.length - a.length);
}

/** Lazy unmount: the loop device is released with its last open file. */
function unmount(place: string): void {
  try {
    execFileSync("umount", ["-l", place], { stdio: "pipe" });
  } catch (thrown) {
    // The files are left over too; print where.
    console.error(`could not unmount ${place}: ${messageOf(thrown)}`);
  }
}
