import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../platform/ports/result.ts";

export interface ProfileFolder {
  readonly path: string;
  /** Why it is not the wanted folder. Its content takes up memory and is lost when the machine restarts. */
  readonly insteadBecause?: string;
}

/**
 * Finds a folder for the browser's profile: the wanted one or, if that is not writable, one below the
 * machine's temporary folder. The picture needs no disk, but the page's storage may then be lost on the next start.
 */
export async function findProfileFolder(wanted: string, temporaryDir: string): Promise<ProfileFolder> {
  const refused = await tryFolder(wanted);
  if (refused === undefined) return { path: wanted };
  // Named after the wanted folder, so that killed hosts leave only one behind rather than one per start.
  const named = join(temporaryDir, `vitrine-profile-${createHash("sha256").update(wanted).digest("hex").slice(0, 12)}`);
  if (await isOurs(named)) return { path: named, insteadBecause: refused };
  try {
    return { path: await mkdtemp(join(temporaryDir, "vitrine-profile-")), insteadBecause: refused };
  } catch (thrown) {
    // No folder at all: the browser will fail and be restarted until a disk is available.
    return { path: wanted, insteadBecause: `${refused}, and ${messageOf(thrown)}` };
  }
}

/** Why the folder cannot be written; `undefined` when it can. */
async function tryFolder(folder: string): Promise<string | undefined> {
  const probe = join(folder, ".writable");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(probe, "");
    await rm(probe, { force: true });
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** Creates the folder, or checks that it is ours: below a temporary folder, anyone could have created it first. */
async function isOurs(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const stat = await lstat(folder);
    if (!stat.isDirectory() || (process.getuid !== undefined && stat.uid !== process.getuid())) return false;
    await chmod(folder, 0o700);
    return (await tryFolder(folder)) === undefined;
  } catch (thrown) {
    // A link, a file, or a full temporary folder.
    if (thrown instanceof Error && "code" in thrown) return false;
    throw thrown;
  }
}
