import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync } from "node:fs";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";

/** Group shared with a player host that runs as another user. */
export interface PlayerGroup {
  readonly id: number;
}

/** User and groups of this process; passed in so that tests need no real users. */
export interface Membership {
  readonly isRoot: boolean;
  readonly groups: readonly number[];
}

/**
 * The group named by `player.group`, if this process may give files to it (as root or as a member). Names are looked up in
 * `etcGroup` (group(5)); a number is a group id. Errors: `player.group-unknown`, `player.group-not-ours`.
 */
export function findPlayerGroup(name: string, who: Membership, etcGroup = "/etc/group"): Result<PlayerGroup> {
  const id = /^\d+$/.test(name) ? Number(name) : lookUp(name, etcGroup);
  if (id === undefined) return fail("player.group-unknown", `there is no group "${name}" (player.group)`, "create it, or correct the name; until then only the agent's own user can be the player host");
  if (!who.isRoot && !who.groups.includes(id)) {
    return fail("player.group-not-ours", `the agent's user is not in the group "${name}" (player.group)`, "add SupplementaryGroups to its unit; until then only the agent's own user can be the player host");
  }
  return ok({ id });
}

export function ownMembership(): Membership {
  return { isRoot: process.getuid?.() === 0, groups: [...(process.getgroups?.() ?? []), ...(process.getgid === undefined ? [] : [process.getgid()])] };
}

/** Lets the group read a folder and everything created in it later; others get no access. Error: `player.folder-unshared`. */
export function shareFolder(folder: string, group: PlayerGroup): Result<void> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
    const stat = lstatSync(folder);
    // The set-group-id bit passes the group on to new files. Skip what is already right: systemd's RestrictSUIDSGID forbids setting the
    // bit.
    if (stat.gid !== group.id) chownSync(folder, stat.uid, group.id);
    if ((stat.mode & 0o7777) !== 0o2750) chmodSync(folder, 0o2750);
    return ok(undefined);
  } catch (thrown) {
    return fail("player.folder-unshared", `the player host may not be able to read ${folder}: ${messageOf(thrown)}`, "change its owner to the agent's user and the player's group, with mode 2750");
  }
}

function lookUp(name: string, etcGroup: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(etcGroup, "utf8");
  } catch {
    // Without the file there are no named groups.
    return undefined;
  }
  const line = text.split("\n").find((each) => each.startsWith(`${name}:`));
  const id = line?.split(":")[2];
  return id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
}
