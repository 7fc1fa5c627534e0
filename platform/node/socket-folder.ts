import { createHash } from "node:crypto";
import { lstatSync, type Stats } from "node:fs";
import { tmpdir } from "node:os";
import type { SocketPlace } from "../../player-host/contract/socket-path.ts";
import { fail, ok, type Result } from "../ports/result.ts";

/** Inputs to the socket path rule for one data folder on this machine. */
export function socketPlaceOf(dataDir: string): SocketPlace {
  return { dataDir, tmpDir: tmpdir(), dataDirSha256Hex: createHash("sha256").update(dataDir).digest("hex") };
}

/**
 * Whether a client may trust a socket in this folder. The folder may be in the machine's temporary folder under a predictable
 * name, so any user could create it first and pose as the agent. It must belong to this user, root or the owner of the data
 * folder, and only its owner may create files in it. A missing folder is accepted: nothing is listening there.
 * Error: `socket.untrusted-folder`.
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
    // Missing or inaccessible: connecting will report that.
    if (thrown instanceof Error && "code" in thrown) return undefined;
    throw thrown;
  }
}
