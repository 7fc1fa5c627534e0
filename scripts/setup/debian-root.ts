import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fail, type Result } from "../tool-result.ts";
import { canInstall } from "./debian-packages.ts";
import { ensurePrograms, openKept, recipeOf } from "./kept-build.ts";
import type { Machine } from "./machine.ts";

const CACHES = resolve(import.meta.dirname, "../../.vitrine");
const BUILD_TIMEOUT_MS = 20 * 60_000;

/** A Debian in a folder, for tests of programs that this machine does not have. */
export interface DebianRoot {
  /** Its folder in the cache, such as `compositor`. */
  readonly name: string;
  /** What it is, for messages: `a Debian 13 for the compositors`. */
  readonly title: string;
  /** Makes it; the last argument is the folder. */
  readonly script: string;
  readonly args: readonly string[];
}

/** The folder of the root if it has been made; its name is that of the recipe. */
export function debianRoot(root: DebianRoot): string | undefined {
  const folder = join(CACHES, root.name, recipeFor(root));
  return existsSync(folder) ? folder : undefined;
}

/**
 * Makes the root the first time and returns its folder. Errors: `root.not-here` (it cannot be made on this machine),
 * `setup.packages`, `root.failed`.
 */
export async function openDebianRoot(machine: Machine, root: DebianRoot): Promise<Result<string>> {
  const { name, title, script, args } = root;
  if (debianRoot(root) === undefined) {
    if (!(await canInstall(machine))) return fail("root.not-here", `${title} can only be made as root on Debian.`);
    const tools = await ensurePrograms(machine, ["/usr/bin/mmdebstrap"], ["mmdebstrap"], "root.not-here");
    if (!tools.ok) return tools;
  }
  return openKept(machine, {
    cacheDir: join(CACHES, name),
    recipe: recipeFor(root),
    command: (folder) => ["bash", script, ...args, folder],
    timeoutMs: BUILD_TIMEOUT_MS,
    saying: `Making ${title}: about a minute, only this once …`,
    code: "root.failed",
    hint: "It needs the Debian package archive.",
  });
}

function recipeFor({ script, args }: DebianRoot): string {
  return recipeOf(readFileSync(script), ...args.map((each) => `\n${each}`));
}
