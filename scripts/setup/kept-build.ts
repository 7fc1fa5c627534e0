import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fail, ok, type Result } from "../tool-result.ts";
import { canInstall, satisfy } from "./debian-packages.ts";
import type { Machine } from "./machine.ts";

/** What takes minutes to make and is kept between runs, in a folder named after its recipe. */
export interface KeptBuild {
  /** Where recipes are kept. Others than this one are removed once this one is made. */
  readonly cacheDir: string;
  readonly recipe: string;
  /** Program and arguments that fill the folder. */
  readonly command: (folder: string) => readonly [string, ...string[]];
  readonly timeoutMs: number;
  /** Progress line. */
  readonly saying: string;
  /** The failure's code, and what to look at. */
  readonly code: string;
  readonly hint: string;
}

/** Name of a recipe: the hash of all that its result depends on. */
export function recipeOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, 16);
}

/** The folder of a build, made the first time and reused afterwards. Error: the build's own code. */
export async function openKept(machine: Machine, { cacheDir, recipe, command, timeoutMs, saying, code, hint }: KeptBuild): Promise<Result<string>> {
  const folder = join(cacheDir, recipe);
  if (existsSync(folder)) return ok(folder);
  machine.say(saying);
  const building = `${folder}.building`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const [program, ...args] = command(building);
  const status = await runShown(program, args, timeoutMs);
  if (status !== 0) return fail(code, `${[program, ...args].join(" ")} ended with ${status}; its output is above.`, hint);
  for (const old of await readdir(cacheDir)) if (join(cacheDir, old) !== building) await rm(join(cacheDir, old), { recursive: true, force: true });
  await rename(building, folder);
  return ok(folder);
}

/** Installs `packages` where one of `programs` is missing and this machine can. Errors: `code`, `setup.packages`. */
export async function ensurePrograms(machine: Machine, programs: readonly string[], packages: readonly string[], code: string): Promise<Result<void>> {
  const missing = await Promise.all(programs.map(async (path) => !(await machine.isExecutable(path))));
  if (!missing.includes(true)) return ok(undefined);
  const absent = programs.filter((_, index) => missing[index]).join(", ");
  if (await canInstall(machine)) return satisfy(machine, packages.join(", "), packages.join(", "));
  return fail(code, `${absent} ${missing.filter(Boolean).length === 1 ? "is" : "are"} not here.`, `As root on Debian 12 or later: apt-get install ${packages.join(" ")}`);
}

/** Runs a program with its output on the terminal. Its exit code, or why it has none. */
export function runShown(program: string, args: readonly string[], timeoutMs: number, env: NodeJS.ProcessEnv = process.env): Promise<number | string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], timeout: timeoutMs, env });
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code ?? signal ?? "no status"));
  });
}
