import { createHash } from "node:crypto";
import { lstatSync, type Stats } from "node:fs";
import { tmpdir } from "node:os";
import type { SocketPlace } from "../../player-host/contract/socket-path.ts";
import { fail, ok, type Result } from "../ports/result.ts";

/** What the rule for socket paths needs, for one data folder of this machine. */
export function socketPlaceOf(dataDir: string): SocketPlace {
  return { dataDir, tmpDir: tmpdir(), dataDirSha256Hex: createHash("sha256").update(dataDir).digest("hex") };
}

/**
 * Whether who connects may trust what listens in this folder. It may be below the machine's temporary folder, under a name
 * anybody can work out, and whoever made it first would be taken for the agent. It has to belong to this user, to root or
 * to the owner of the data folder, who alone may make files in it. A folder that is not there is no reason for doubt:
 * nobody listens. Error: `socket.untrusted-folder`.
 */
export function trustSocketFolder(folder: string, dataDir: string, userId: number | undefined = process.getuid?.()): Result<void> {
  // A system without user ids (development on Windows) has no such folder either.
  if (userId === undefined) return ok(undefined);
  const stats = look(folder);
  if (stats === undefined) return ok(undefined);
  if (!stats.isDirectory()) return untrusted(`${folder} is not a folder`);
  const trusted = [userId, 0, look(dataDir)?.uid];
  if (!trusted.includes(stats.uid)) return untrusted(`${folder} belongs to user ${stats.uid}, who is neither this user nor the owner of ${dataDir}`);
  if ((stats.mode & 0o022) !== 0) return untrusted(`others may write to ${folder} (mode ${(stats.mode & 0o7777).toString(8)})`);
  return ok(undefined);
}

function untrusted(message: string): Result<never> {
  return fail("socket.untrusted-folder", `${message}; what listens there may not be the agent`, "remove that folder, or choose another with VITRINE_SOCKETS_DIR for agent, player host and command line");
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (thrown) {
    // Not there, or behind a folder that is closed to us: connecting will say so.
    if (thrown instanceof Error && "code" in thrown) return undefined;
    throw thrown;
  }
}
