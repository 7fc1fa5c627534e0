import { join } from "node:path";
import { readFileSync } from "node:fs";
import { ensurePrograms, openKept, recipeOf, runShown } from "../setup/kept-build.ts";
import type { Machine } from "../setup/machine.ts";
import { fail, ok, type Result } from "../tool-result.ts";
import { debianPackages } from "./image-packages.ts";
import type { ImageOptions } from "./options.ts";

const ROOT_SCRIPT = join(import.meta.dirname, "build-root.sh");
const ROOT_MODULES = join(import.meta.dirname, "initramfs-modules");
const ASSEMBLE_SCRIPT = join(import.meta.dirname, "assemble.sh");
const PROGRAMS = ["/usr/bin/mmdebstrap", "/usr/bin/mcopy", "/sbin/mkfs.vfat", "/sbin/mke2fs", "/sbin/sfdisk"];
const PACKAGES = ["mmdebstrap", "mtools", "dosfstools", "e2fsprogs", "fdisk"];
/** Where the processor is another one. */
const FOREIGN_PROGRAMS = ["/usr/bin/arch-test", "/usr/bin/qemu-aarch64-static"];
const FOREIGN_PACKAGES = ["arch-test", "qemu-user-static"];
const ROOT_TIMEOUT_MS = 90 * 60_000;
const ASSEMBLE_TIMEOUT_MS = 30 * 60_000;

export interface MakeImage extends Pick<ImageOptions, "release" | "sshKeyPath" | "provisioningPath" | "readOnly" | "withoutBrowser"> {
  readonly machine: Machine;
  readonly out: string;
  /** Where configured Debian roots are kept between images. */
  readonly cacheDir: string;
  /** Absent: an image of the same Debian packages without Vitrine and its settings, to compare with. */
  readonly vitrine?: { readonly packagePath: string };
  /** Name and version of the image. Its partitions' identifiers are made from it. */
  readonly name: string;
  /** Seconds since 1970: time of the files that are made here, and of the newest file. */
  readonly epochSeconds: number;
}

/** What a card image is made with, installed where this machine can. Errors: `image.no-tools`, `setup.packages`. */
export async function ensureImageTools(machine: Machine): Promise<Result<void>> {
  if (machine.platform !== "linux") return fail("image.no-tools", `a card image is made on Debian, and this is ${machine.platform}.`, "Use a Debian 12 or later, for instance in a virtual machine.");
  if (!machine.isRoot) return fail("image.no-tools", "a card image is made as root: its files belong to several users.", "Run it with sudo, or in a container.");
  const tools = await ensurePrograms(machine, PROGRAMS, PACKAGES, "image.no-tools");
  if (!tools.ok || machine.arch === "arm64") return tools;
  return ensurePrograms(machine, FOREIGN_PROGRAMS, FOREIGN_PACKAGES, "image.no-tools");
}

/**
 * Makes a card image. The Debian root is made the first time and kept, by its packages. Errors: `image.no-tools`, `setup.packages`,
 * `image.root`, `image.assemble`.
 */
export async function makeImage(options: MakeImage): Promise<Result<void>> {
  const { machine, out, cacheDir, release, name, epochSeconds } = options;
  const tools = await ensureImageTools(machine);
  if (!tools.ok) return tools;
  const packages = debianPackages(options).join(",");
  const root = await openKept(machine, {
    cacheDir: join(cacheDir, options.withoutBrowser ? "without-browser" : "whole"),
    recipe: recipeOf(readFileSync(ROOT_SCRIPT), readFileSync(ROOT_MODULES), release, packages),
    command: (folder) => ["bash", ROOT_SCRIPT, join(folder, "root.tar"), release, packages],
    timeoutMs: ROOT_TIMEOUT_MS,
    saying: `Making a Debian ${release} for arm64: some minutes, half an hour with the browser on another processor, only this once …`,
    code: "image.root",
    hint: "It needs root on Debian, the package archive, and on another processor QEMU's user emulation (binfmt).",
  });
  if (!root.ok) return root;
  const status = await runShown("bash", [ASSEMBLE_SCRIPT, join(root.value, "root.tar"), out], ASSEMBLE_TIMEOUT_MS, {
    ...process.env,
    IMAGE_NAME: name,
    PACKAGE: options.vitrine?.packagePath ?? "",
    BARE: options.vitrine === undefined ? "1" : "",
    SSH_KEY: options.sshKeyPath ?? "",
    PROVISIONING: options.provisioningPath ?? "",
    WITHOUT_BROWSER: options.withoutBrowser ? "1" : "",
    READ_ONLY: options.readOnly ? "1" : "",
    SOURCE_DATE_EPOCH: String(epochSeconds),
  });
  return status === 0 ? ok(undefined) : fail("image.assemble", `assemble.sh ended with ${status}; its output is above.`);
}
