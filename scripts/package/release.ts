import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Player } from "./control.ts";
import type { Arch } from "./parts.ts";
import { RELEASE, type Entry } from "./tree.ts";

/** `release.json`: what a release is made of. Written beside it, read by the updater. */
export interface Release {
  readonly version: string;
  readonly arch: Arch;
  /** Version of the Node in it. */
  readonly node: string;
  readonly player: Player;
  /** Hash of all that a service runs. Equal hashes: the service need not be restarted when one release replaces the other. */
  readonly services: { readonly agent: string; readonly player: string };
  /** SHA-256 of each file of the release by its path in it, for a check of what was unpacked. */
  readonly files: Readonly<Record<string, string>>;
  /** SHA-256 of each file that only dpkg can place, by its path. A release that needs others has to come as a package. */
  readonly systemFiles: Readonly<Record<string, string>>;
}

/** Units are in a release too, except those that make them follow it, so a change of one is no reason for a package; nor is the command line, which only starts the release's. */
const FOLLOWS_THE_RELEASE = /^\/usr\/lib\/systemd\/system\/(?!vitrine-(?:updater|units)\.)|^\/usr\/bin\//;
/** Files of the release by the service that uses them; what is in neither is both services'. Agent-only: all that the player has no use for. */
const AGENT_ONLY = /^(?:dist\/(?:agent|certificate|cli|provision|slot|updater)\/|node_modules\/|bin\/vitrine-(?:reset|provision)$|systemd\/vitrine-(?:agent|reset@|provision|setup@|slot|country@|certificate@)\.(?:service|socket)$)/;
const PLAYER_ONLY = /^(?:dist\/player-host\/|electron\/|systemd\/vitrine-player\.service$)/;
/** Names the version, and changes nothing that runs. */
const NEITHER = "package.json";

/** Describes a release from its files. `release.json` itself is not among them. */
export async function describeRelease(about: Pick<Release, "version" | "arch" | "node" | "player">, release: readonly Entry[], system: readonly Entry[]): Promise<Release> {
  const files = Object.fromEntries(await hashes(release.map((entry) => ({ ...entry, path: entry.path.slice(RELEASE.length + 1) }))));
  const systemFiles = Object.fromEntries(await hashes(system.filter(({ path }) => !FOLLOWS_THE_RELEASE.test(path))));
  const runs = (others: RegExp): string => {
    const used = Object.entries(files).filter(([path]) => !others.test(path) && path !== NEITHER);
    return sha256(used.map(([path, hash]) => `${hash}  ${path}\n`).join(""));
  };
  return { ...about, services: { agent: runs(PLAYER_ONLY), player: runs(AGENT_ONLY) }, files, systemFiles };
}

async function hashes(entries: readonly Entry[]): Promise<(readonly [path: string, hash: string])[]> {
  const all = await Promise.all(entries.map(async ({ path, content }) => [path, sha256("text" in content ? content.text : await readFile(content.from))] as const));
  return all.sort(([a], [b]) => (a < b ? -1 : 1));
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
