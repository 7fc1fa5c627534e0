import { join } from "node:path";
import { debianRoot, openDebianRoot, type DebianRoot } from "../setup/debian-root.ts";
import type { Machine } from "../setup/machine.ts";
import type { Result } from "../tool-result.ts";

/** The Debian releases whose NetworkManager is tested: 1.42 and 1.52, with polkit 122 and 126. */
export const RELEASES = ["bookworm", "trixie"] as const;
export type Release = (typeof RELEASES)[number];

function rootOf(release: Release): DebianRoot {
  return { name: `network-${release}`, title: `a Debian ${release} with NetworkManager`, script: join(import.meta.dirname, "build-root.sh"), args: [release] };
}

/** The folder of a release with NetworkManager, if it has been made. */
export function networkRoot(release: Release): string | undefined {
  return debianRoot(rootOf(release));
}

/** Makes the root the first time and returns its folder. Errors: as `openDebianRoot`. */
export function openNetworkRoot(machine: Machine, release: Release): Promise<Result<string>> {
  return openDebianRoot(machine, rootOf(release));
}
