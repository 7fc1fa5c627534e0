import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { canInstall, installPackages } from "../setup/debian-packages.ts";
import type { Machine } from "../setup/machine.ts";
import { fail, ok, type Result } from "../tool-result.ts";

const BUILD_SCRIPT = join(import.meta.dirname, "build-root.sh");
const CACHE = resolve(import.meta.dirname, "../../.vitrine/compositor");
const BUILD_TIMEOUT_MS = 20 * 60_000;
const MMDEBSTRAP = "/usr/bin/mmdebstrap";
/** Folder of the shared libraries in the root. */
export const LIBRARIES = `usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;

/** The folder with Debian 13 and its compositors, if it has been made; its name is that of the recipe. */
export function compositorRoot(): string | undefined {
  const folder = join(CACHE, recipeOf(readFileSync(BUILD_SCRIPT)));
  return existsSync(folder) ? folder : undefined;
}

/**
 * Makes the root the first time and returns its folder. Errors: `compositor.not-here` (it cannot be made on this machine),
 * `setup.packages`, `compositor.root`.
 */
export async function openCompositorRoot(machine: Machine): Promise<Result<string>> {
  const recipe = recipeOf(await readFile(BUILD_SCRIPT));
  const folder = join(CACHE, recipe);
  if (existsSync(folder)) return ok(folder);
  if (!(await canInstall(machine))) return fail("compositor.not-here", "a Debian 13 for the compositors can only be made as root on Debian.");
  if (!(await machine.isExecutable(MMDEBSTRAP))) {
    const installed = await installPackages(machine, ["mmdebstrap"]);
    if (!installed.ok) return installed;
  }
  machine.say("Making a Debian 13 with the compositors of players: about a minute, only this once …");
  const building = join(CACHE, `${recipe}.building`);
  await rm(building, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  const code = await run("bash", [BUILD_SCRIPT, building]);
  if (code !== 0) return fail("compositor.root", `the Debian 13 for the compositors could not be made: build-root.sh ended with ${code}; its output is above.`, "It needs the Debian package archive.");
  for (const old of await readdir(CACHE)) if (old !== `${recipe}.building`) await rm(join(CACHE, old), { recursive: true, force: true });
  await rename(building, folder);
  return ok(folder);
}

function recipeOf(script: Uint8Array): string {
  return createHash("sha256").update(script).digest("hex").slice(0, 16);
}

function run(program: string, args: readonly string[]): Promise<number | string> {
  return new Promise((done) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], timeout: BUILD_TIMEOUT_MS });
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => done(code ?? signal ?? "no status"));
  });
}
