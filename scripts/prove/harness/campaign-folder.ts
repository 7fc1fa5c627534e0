import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../platform/ports/result.ts";

/** Where a campaign keeps everything that must not outlive it. */
export interface CampaignFolder {
  readonly path: string;
  /** Also removed with it. */
  onEnd(remove: () => void): void;
  /** A violation's files are in it: it stays, for somebody to look at. */
  keep(): void;
}

/**
 * A temporary folder in which all other temporary folders of this process come to be (`TMPDIR`). At the end of the
 * process, a signal's included, whatever is mounted in it is unmounted and it is removed. Import what kills its own
 * processes at the end before calling this: nothing may write there any more.
 */
export function campaignFolder(prefix: string): CampaignFolder {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const ends: (() => void)[] = [];
  let kept = false;
  process.env["TMPDIR"] = path;
  process.once("exit", () => {
    for (const mount of mountsBelow(path, readFileSync("/proc/self/mounts", "utf8"))) unmount(mount);
    for (const end of ends) end();
    // A process that was killed a moment ago may still be in a write.
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

/** Mount points below `folder`, the innermost first. `mounts` is as /proc/self/mounts: white space is octal there. */
export function mountsBelow(folder: string, mounts: string): readonly string[] {
  const places = mounts.split("\n").map((line) => (line.split(" ")[1] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8))));
  return places.filter((place) => place.startsWith(`${folder}/`)).sort((a, b) => b.length - a.length);
}

/** Lazily: the loop device goes with the last file that is open on it. */
function unmount(place: string): void {
  try {
    execFileSync("umount", ["-l", place], { stdio: "pipe" });
  } catch (thrown) {
    // Its files are then left as well (rm says so); the person has to know where.
    console.error(`could not unmount ${place}: ${messageOf(thrown)}`);
  }
}
