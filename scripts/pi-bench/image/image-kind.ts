import type { MachineKind } from "../machine.ts";

/** The images that the bench makes and boots. */
export type ImageKind = "pi" | "screen" | "read-only";

/** What an image has, and what it boots on. */
export interface ImageForm {
  readonly machine: MachineKind;
  /** Without a browser an image is made and booted in minutes; the player's unit is masked in it. */
  readonly withoutBrowser: boolean;
  readonly readOnly: boolean;
}

export const IMAGE_FORMS: Readonly<Record<ImageKind, ImageForm>> = {
  pi: { machine: "raspi3b", withoutBrowser: true, readOnly: false },
  // QEMU gives the Raspberry Pi no screen that Debian's kernel drives, so this one boots on QEMU's virt machine.
  screen: { machine: "virt", withoutBrowser: false, readOnly: false },
  // What is asked of a read-only root is the same on each machine, and this is the faster one.
  "read-only": { machine: "virt", withoutBrowser: true, readOnly: true },
};
