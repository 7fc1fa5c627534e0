import { join } from "node:path";
import { debianRoot, openDebianRoot, type DebianRoot } from "../setup/debian-root.ts";
import type { Machine } from "../setup/machine.ts";
import type { Result } from "../tool-result.ts";

const ROOT: DebianRoot = { name: "compositor", title: "a Debian 13 with the compositors of players", script: join(import.meta.dirname, "build-root.sh"), args: [] };
/** Folder of the shared libraries in the root. */
export const LIBRARIES = `usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;

/** The folder with Debian 13 and its compositors, if it has been made. */
export function compositorRoot(): string | undefined {
  return debianRoot(ROOT);
}

/** Makes the root the first time and returns its folder. Errors: as `openDebianRoot`. */
export function openCompositorRoot(machine: Machine): Promise<Result<string>> {
  return openDebianRoot(machine, ROOT);
}
