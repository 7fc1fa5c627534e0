import type { Reading } from "./reading.ts";

/** What holds the processor back now. */
export interface Throttling {
  /** Its clock is limited, because of the supply voltage or the temperature. */
  readonly frequencyCapped: boolean;
  /** It runs at its lowest clock. */
  readonly throttled: boolean;
  /** It is near its temperature limit. */
  readonly hot: boolean;
}

/** Clock of the processor's first cores, in hertz. */
export interface CpuClock {
  readonly hz: number;
  /** Highest clock of these cores. */
  readonly maxHz: number;
}

/** Share of time in which tasks waited, in percent, over the last minute and the last five. */
export interface StallShare {
  readonly minutePercent: number;
  readonly fiveMinutesPercent: number;
}

/** Waiting for one resource (Linux PSI, Documentation/accounting/psi.rst). */
export interface Stall {
  /** At least one task waited. */
  readonly some: StallShare;
  /** All tasks that were not idle waited at once. Absent for the processor on kernels before 5.13. */
  readonly full?: StallShare;
}

export interface Pressure {
  readonly cpu: Stall;
  readonly memory: Stall;
  readonly io: Stall;
}

/** Errors that a file system recorded in its superblock. They stay there until it is repaired (e2fsck). */
export interface FileSystemErrors {
  /** Block device of the file system: `mmcblk0p2`. */
  readonly name: string;
  readonly count: number;
  /** Wall time of the first and the last error, ms since the epoch. Absent where the kernel recorded none. */
  readonly firstMs?: number;
  readonly lastMs?: number;
}

/** What a memory card or an eMMC says of itself. */
export interface StorageCard {
  readonly kind: "sd" | "mmc";
  readonly name: string;
  readonly serial: string;
  /** Month of manufacture, `MM/YYYY`. */
  readonly made: string;
  /** The maker's id, `0x000003`. */
  readonly manufacturer: string;
}

/** Health of the disk that holds our data, and of the machine's file systems. Each fact fails independently. */
export interface StorageHealth {
  /** The disk, as the kernel names it: `mmcblk0`. */
  readonly device: Reading<string>;
  readonly card: Reading<StorageCard>;
  /** Used share of the rated life, the upper end of a step of 10; 110 means that the rated life is exceeded. eMMC only. */
  readonly lifeUsedPercent: Reading<number>;
  /** Blocks in reserve for worn-out ones: `warning` from 80 % used, `urgent` from 90 %. eMMC only. */
  readonly reserve: Reading<"normal" | "warning" | "urgent">;
  readonly fileSystems: Reading<readonly FileSystemErrors[]>;
}

/** How long the disk took to write a block durably and to read it back. */
export interface StorageTrial {
  readonly writeMs: number;
  readonly readMs: number;
  /** False where the file system cannot bypass the page cache: the block was then read from memory, not from the disk. */
  readonly fromDisk: boolean;
}
