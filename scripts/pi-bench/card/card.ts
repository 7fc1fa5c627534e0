import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fail, ok, type Result } from "../../tool-result.ts";
import { canInstall, satisfy } from "../../setup/debian-packages.ts";
import type { Machine } from "../../setup/machine.ts";

/** Debian packages that make and boot the card. */
const PACKAGES = ["qemu-system-arm", "mmdebstrap", "kmod", "cpio", "e2fsprogs"];
const PROGRAMS = ["/usr/bin/qemu-system-aarch64", "/usr/bin/mmdebstrap", "/usr/bin/cpio", "/sbin/modprobe", "/sbin/mke2fs"];
const BUILD_SCRIPT = join(import.meta.dirname, "build-card.sh");
const BUILD_TIMEOUT_MS = 30 * 60_000;

export interface CardOptions {
  readonly machine: Machine;
  /** Where cards are kept between runs. */
  readonly cacheDir: string;
  readonly nodeVersion: string;
  readonly koffiVersion: string;
}

/**
 * The folder of a card that fits, made the first time and reused afterwards. A card is known by its recipe and versions, so
 * a changed recipe makes a new one. Errors: `setup.packages`, `pi.no-tools`, `pi.card`.
 */
export async function openCard({ machine, cacheDir, nodeVersion, koffiVersion }: CardOptions): Promise<Result<string>> {
  const recipe = createHash("sha256").update(await readFile(BUILD_SCRIPT)).update(`${nodeVersion} ${koffiVersion}`).digest("hex").slice(0, 16);
  const folder = join(cacheDir, recipe);
  const tools = await ensureTools(machine);
  if (!tools.ok) return tools;
  if (await exists(join(folder, "sd.img"))) return ok(folder);
  machine.say("Making the card of the emulated Raspberry Pi: one or two minutes, only this once …");
  const building = join(cacheDir, `${recipe}.building`);
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const code = await run("bash", [BUILD_SCRIPT, building, nodeVersion, koffiVersion]);
  if (code !== 0) return fail("pi.card", `the card could not be made: build-card.sh ended with ${code}; its output is above.`, "It needs root on Debian 12 and the package archive.");
  for (const old of await readdir(cacheDir)) if (old !== `${recipe}.building`) await rm(join(cacheDir, old), { recursive: true, force: true });
  await rename(building, folder);
  return ok(folder);
}

async function ensureTools(machine: Machine): Promise<Result<void>> {
  const missing = await Promise.all(PROGRAMS.map(async (path) => !(await machine.isExecutable(path))));
  if (!missing.includes(true)) return ok(undefined);
  const absent = PROGRAMS.filter((_, index) => missing[index]).join(", ");
  if (await canInstall(machine)) return satisfy(machine, PACKAGES.join(", "), PACKAGES.join(", "));
  return fail("pi.no-tools", `${absent} is not here.`, `As root on Debian 12: apt-get install ${PACKAGES.join(" ")}`);
}

function run(program: string, args: readonly string[]): Promise<number | string> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"], timeout: BUILD_TIMEOUT_MS });
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code ?? signal ?? "no status"));
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}
