import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Result } from "../../tool-result.ts";
import { ensurePrograms, openKept, recipeOf } from "../../setup/kept-build.ts";
import type { Machine } from "../../setup/machine.ts";

/** Debian packages that make the card. */
const PACKAGES = ["mmdebstrap", "kmod", "cpio", "e2fsprogs"];
const PROGRAMS = ["/usr/bin/mmdebstrap", "/usr/bin/cpio", "/sbin/modprobe", "/sbin/mke2fs"];
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
  const tools = await ensurePrograms(machine, PROGRAMS, PACKAGES, "pi.no-tools");
  if (!tools.ok) return tools;
  return openKept(machine, {
    cacheDir,
    recipe: recipeOf(await readFile(BUILD_SCRIPT), `${nodeVersion} ${koffiVersion}`),
    command: (folder) => ["bash", BUILD_SCRIPT, folder, nodeVersion, koffiVersion],
    timeoutMs: BUILD_TIMEOUT_MS,
    saying: "Making the card of the emulated Raspberry Pi: one or two minutes, only this once …",
    code: "pi.card",
    hint: "It needs root on Debian 12 and the package archive.",
  });
}
