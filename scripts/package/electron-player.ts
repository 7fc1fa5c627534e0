import { open } from "node:fs/promises";
import { join } from "node:path";
import { fail, ok, type Result } from "../tool-result.ts";
import type { Arch } from "./parts.ts";

/** Folders that electron-builder's target `dir` writes. */
const FOLDERS: Readonly<Record<Arch, string>> = { amd64: "dist/electron-builder/linux-unpacked", arm64: "dist/electron-builder/linux-arm64-unpacked" };
/** `executableName` of electron-builder.yml. */
const PROGRAM = "vitrine-player";
/** e_machine of an ELF file (elf.h). */
const MACHINES: Readonly<Record<Arch, number>> = { amd64: 62, arm64: 183 };

/**
 * The unpacked Electron player for an architecture; `undefined` when electron-builder has made none. Error:
 * `package.electron-arch` (its program is for another one).
 */
export async function findElectronPlayer(root: string, arch: Arch): Promise<Result<string | undefined>> {
  const folder = join(root, FOLDERS[arch]);
  const machine = await machineOf(join(folder, PROGRAM));
  if (machine === undefined) return ok(undefined);
  if (machine === MACHINES[arch]) return ok(folder);
  return fail("package.electron-arch", `${folder}/${PROGRAM} is not a program for ${arch}.`, "Delete the folder, or make it again with electron-builder.");
}

/** Where `findElectronPlayer` looks, for messages. */
export function electronFolder(arch: Arch): string {
  return FOLDERS[arch];
}

/** e_machine of a program; 0 for what is no ELF file; `undefined`: there is no file. */
async function machineOf(path: string): Promise<number | undefined> {
  try {
    const file = await open(path);
    try {
      const head = Buffer.alloc(20);
      await file.read(head, 0, head.length, 0);
      return head.toString("latin1", 0, 4) === "\u007FELF" ? head.readUInt16LE(18) : 0;
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}
