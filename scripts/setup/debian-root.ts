import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { fail, ok, type Result } from "../tool-result.ts";
import { canInstall, installPackages } from "./debian-packages.ts";
import type { Machine } from "./machine.ts";

const CACHES = resolve(import.meta.dirname, "../../.vitrine");
const BUILD_TIMEOUT_MS = 20 * 60_000;
const MMDEBSTRAP = "/usr/bin/mmdebstrap";

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
  const folder = folderOf(root);
  return existsSync(folder) ? folder : undefined;
}

/**
 * Makes the root the first time and returns its folder. Errors: `root.not-here` (it cannot be made on this machine),
 * `setup.packages`, `root.failed`.
 */
export async function openDebianRoot(machine: Machine, root: DebianRoot): Promise<Result<string>> {
  const folder = folderOf(root);
  if (existsSync(folder)) return ok(folder);
  if (!(await canInstall(machine))) return fail("root.not-here", `${root.title} can only be made as root on Debian.`);
  if (!(await machine.isExecutable(MMDEBSTRAP))) {
    const installed = await installPackages(machine, ["mmdebstrap"]);
    if (!installed.ok) return installed;
  }
  machine.say(`Making ${root.title}: about a minute, only this once …`);
  const cache = join(CACHES, root.name);
  const building = `${folder}.building`;
  await rm(building, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });
  const code = await run("bash", [root.script, ...root.args, building]);
  if (code !== 0) return fail("root.failed", `${root.title} could not be made: its script ended with ${code}; its output is above.`, "It needs the Debian package archive.");
  for (const old of await readdir(cache)) if (join(cache, old) !== building) await rm(join(cache, old), { recursive: true, force: true });
  await rename(building, folder);
  return ok(folder);
}

function folderOf({ name, script, args }: DebianRoot): string {
  const recipe = createHash("sha256").update(readFileSync(script));
  for (const each of args) recipe.update(`\n${each}`);
  return join(CACHES, name, recipe.digest("hex").slice(0, 16));
}

function run(program: string, args: readonly string[]): Promise<number | string> {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], timeout: BUILD_TIMEOUT_MS });
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => done(code ?? signal ?? "no status"));
  });
}
