import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { readIfThere, writeDurably } from "../../platform/node/durable-file.ts";
import type { Result } from "../../platform/ports/result.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { SlotRecordSchema, type SlotRecord } from "./slot-record.ts";
import type { SlotMachine } from "./slot-judge.ts";

export interface LinuxSlotPlaces {
  /** The partition that both slots share, with `autoboot.txt`. */
  readonly bootfs: string;
  readonly deviceTree: string;
  readonly bootIdFile: string;
}

/**
 * A Raspberry Pi with an A/B image: `/bootfs/autoboot.txt`, and the flag by which the firmware tells that this boot is a try, a big-endian
 * number of 32 bits (raspberrypi.com/documentation, seen 2026-11-30).
 */
export function linuxSlotMachine({ bootfs, deviceTree, bootIdFile }: LinuxSlotPlaces, reboot: () => Promise<Result<void>>): SlotMachine {
  const autobootFile = join(bootfs, "autoboot.txt");
  const recordFile = join(bootfs, "vitrine-slot.json");
  return {
    bootId: async () => (await readFile(bootIdFile, "utf8")).trim(),
    isTry: async () => {
      const flag = await bytesIfThere(join(deviceTree, "chosen/bootloader/tryboot"));
      return flag !== undefined && flag.length === 4 && flag.readUInt32BE() === 1;
    },
    autoboot: () => readIfThere(autobootFile),
    writeAutoboot: (text) => writeDurably(autobootFile, text),
    record: async () => {
      const text = await readIfThere(recordFile);
      const read = text === undefined ? undefined : v.safeParse(SlotRecordSchema, parseJson(text));
      return read?.success === true ? read.output : undefined;
    },
    writeRecord: (record: SlotRecord) => writeDurably(recordFile, `${JSON.stringify(record)}\n`),
    reboot,
  };
}

async function bytesIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}
