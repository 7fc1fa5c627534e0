import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../platform/ports/result.ts";

export interface ProfileFolder {
  readonly path: string;
  /** Why it is not the wanted one: what is in it is gone with the machine's memory, and takes room there. */
  readonly insteadBecause?: string;
}

/**
 * A folder in which a browser can keep its profile: the wanted one, or, where the disk takes no write, one below the
 * machine's temporary folder. A picture needs no disk; only what the page keeps in its storage does not outlive the next start.
 */
export async function findProfileFolder(wanted: string, temporaryDir: string): Promise<ProfileFolder> {
  const refused = await tryFolder(wanted);
  if (refused === undefined) return { path: wanted };
  // Named by the wanted one, so that a host that was killed leaves one behind and not one for each start.
  const named = join(temporaryDir, `vitrine-profile-${createHash("sha256").update(wanted).digest("hex").slice(0, 12)}`);
  if (await isOurs(named)) return { path: named, insteadBecause: refused };
  try {
    return { path: await mkdtemp(join(temporaryDir, "vitrine-profile-")), insteadBecause: refused };
  } catch (thrown) {
    // Nowhere at all: the browser will say so itself, and be started again and again until a disk comes.
    return { path: wanted, insteadBecause: `${refused}, and ${messageOf(thrown)}` };
  }
}

/** `undefined`: it can be written. */
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

/** Made now, or ours from before. Anybody could have made it first below a temporary folder. */
async function isOurs(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const stat = await lstat(folder);
    if (!stat.isDirectory() || (process.getuid !== undefined && stat.uid !== process.getuid())) return false;
    await chmod(folder, 0o700);
    return (await tryFolder(folder)) === undefined;
  } catch (thrown) {
    // A link, a file, or a temporary folder that is full as well.
    if (thrown instanceof Error && "code" in thrown) return false;
    throw thrown;
  }
}
