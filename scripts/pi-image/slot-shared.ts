/**
 * `scripts/systemd/slot-shared.conf`, installed as `/etc/rpi-image-gen/slot-shared.d/vitrine.conf`: the folders that both slots of
 * Raspberry Pi's A/B images share. `/var` belongs to a slot there, so without it each update of the image would be a new device.
 *
 * At each boot the image copies what lies in the slot's own folder over the shared one, so a package and an image have to leave them empty.
 */

/** What the product writes and both slots must not share, with the reason. */
export const PER_SLOT: Readonly<Record<string, string>> = {
  "/var/lib/vitrine-releases": "software belongs to its slot: the old slot must start what it started before",
};

/** The paths that a declaration names. Throws for what Raspberry Pi's generator would skip. */
export function declaredPaths(text: string): readonly string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines[0] !== "Version=1") throw new Error(`a declaration begins with Version=1, not "${lines[0] ?? ""}"`);
  return lines.slice(1).map((line) => {
    const path = /^Path=(\/[^\s]*[^\s/])$/.exec(line)?.[1];
    if (path === undefined) throw new Error(`not a line of a declaration: "${line}"`);
    return path;
  });
}

const OF_DIRECTIVE: Readonly<Record<string, string>> = { StateDirectory: "/var/lib/", LogsDirectory: "/var/log/", CacheDirectory: "/var/cache/", ConfigurationDirectory: "/etc/" };

/** The lasting paths that a unit file lets its service write or names in its environment: below `/var` and `/etc`. */
export function pathsOfUnit(unit: string): readonly string[] {
  const found: string[] = [];
  for (const [, name = "", value = ""] of unit.matchAll(/^(\w+)=(.*)$/gm)) {
    const folder = OF_DIRECTIVE[name];
    if (folder !== undefined) found.push(...value.split(" ").map((each) => `${folder}${each.split(":")[0] ?? ""}`));
    if (name === "ReadWritePaths" || name === "BindPaths") found.push(...value.split(" ").map((each) => each.replace(/^[-+]*/, "").split(":")[0] ?? ""));
    if (name === "Environment") found.push(...[...value.matchAll(/="?(\/(?:var|etc)\/[^\s"]+)/g)].map(([, path = ""]) => path));
  }
  return found.filter((path) => isLasting(path));
}

/** The lasting folders and files that a tmpfiles.d file makes. */
export function pathsOfTmpfiles(text: string): readonly string[] {
  return [...text.matchAll(/^[dDfFvqQ][+!-]*\s+(\S+)/gm)].map(([, path = ""]) => path).filter((path) => isLasting(path));
}

/** Whether `path` is one of `folders` or below one. */
export function isCovered(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

function isLasting(path: string): boolean {
  return /^\/(?:var|etc)\//.test(path) && !/^\/var\/(?:run|tmp)\//.test(path);
}
