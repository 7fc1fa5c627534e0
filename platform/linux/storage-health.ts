import { statSync } from "node:fs";
import type { FileSystemErrors, StorageCard, StorageHealth } from "../ports/machine-facts.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../ports/reading.ts";
import { messageOf } from "../ports/result.ts";
import type { MachineFiles } from "./machine-files.ts";

/** `major:minor` of the block device below a path. Throws when there is no such path. */
export function blockNumberOf(path: string): string {
  const { dev } = statSync(path);
  // glibc's encoding of a device number (sys/sysmacros.h).
  const major = (Math.floor(dev / 256) % 4096) + Math.floor(dev / 2 ** 44) * 4096;
  const minor = (dev % 256) + (Math.floor(dev / 2 ** 20) % 2 ** 24) * 256;
  return `${major}:${minor}`;
}

/** Health of the disk with the device number `blockNumber`, and of every mounted ext4 file system. */
export function readStorageHealth(files: MachineFiles, blockNumber: () => string, atMs: number): StorageHealth {
  const device = diskOf(files, blockNumber, atMs);
  const at = device.kind === "ok" ? `sys/block/${device.value}/device` : undefined;
  const kind = at === undefined ? undefined : textOf(files, `${at}/type`);
  const isCard = kind === "SD" || kind === "MMC";
  return {
    device,
    card: at === undefined || !isCard ? UNSUPPORTED : seen(cardOf(files, at, kind), atMs),
    lifeUsedPercent: at === undefined || !isCard ? UNSUPPORTED : lifeUsed(files, at, atMs),
    reserve: at === undefined || !isCard ? UNSUPPORTED : reserve(files, at, atMs),
    fileSystems: fileSystems(files, atMs),
  };
}

/** The whole disk behind a partition or a mapped device (LVM, encryption); of several, the first. */
function diskOf(files: MachineFiles, blockNumber: () => string, atMs: number): Reading<string> {
  let number: string;
  try {
    number = blockNumber();
  } catch (thrown) {
    return failed({ code: "probe.disk", message: messageOf(thrown) });
  }
  let link = files.link(`sys/dev/block/${number}`);
  for (let depth = 0; link !== undefined && depth < 8; depth += 1) {
    const disk = /\/block\/([^/]+)/.exec(link)?.[1];
    if (disk === undefined) break;
    const [below] = files.names(`sys/block/${disk}/slaves`);
    if (below === undefined) return seen(disk, atMs);
    link = files.link(`sys/class/block/${below}`);
  }
  // Anonymous device numbers: overlayfs, tmpfs, btrfs, a network file system.
  return unknown("the file system of the data does not name its disk");
}

function cardOf(files: MachineFiles, at: string, kind: "SD" | "MMC"): StorageCard {
  return {
    kind: kind === "SD" ? "sd" : "mmc",
    name: textOf(files, `${at}/name`),
    serial: textOf(files, `${at}/serial`),
    made: textOf(files, `${at}/date`),
    manufacturer: textOf(files, `${at}/manfid`),
  };
}

/** `life_time` has two estimates for two kinds of memory, each in steps of 10 % (JEDEC eMMC 5.0, DEVICE_LIFE_TIME_EST_TYP). */
function lifeUsed(files: MachineFiles, at: string, atMs: number): Reading<number> {
  return parsed(files, `${at}/life_time`, atMs, (text) => {
    const steps = text.split(/\s+/).map(Number);
    if (steps.length !== 2 || steps.some((step) => !Number.isInteger(step) || step < 0 || step > 11)) return undefined;
    const worst = Math.max(...steps);
    return worst === 0 ? "the card does not estimate it" : { value: worst * 10 };
  });
}

function reserve(files: MachineFiles, at: string, atMs: number): StorageHealth["reserve"] {
  return parsed(files, `${at}/pre_eol_info`, atMs, (text) => {
    const value = ([undefined, "normal", "warning", "urgent"] as const)[Number(text)];
    if (value !== undefined) return { value };
    return Number(text) === 0 ? "the card does not estimate it" : undefined;
  });
}

function fileSystems(files: MachineFiles, atMs: number): Reading<readonly FileSystemErrors[]> {
  const names = files.names("sys/fs/ext4").filter((name) => files.has(`sys/fs/ext4/${name}/errors_count`));
  if (names.length === 0) return UNSUPPORTED;
  const found: FileSystemErrors[] = [];
  for (const name of names) {
    const read = files.text(`sys/fs/ext4/${name}/errors_count`);
    if (!read.ok) return failed(read.error);
    const firstMs = timeOf(files, `sys/fs/ext4/${name}/first_error_time`);
    const lastMs = timeOf(files, `sys/fs/ext4/${name}/last_error_time`);
    found.push({ name, count: Number(read.value), ...(firstMs !== undefined && { firstMs }), ...(lastMs !== undefined && { lastMs }) });
  }
  return seen(found, atMs);
}

/** Seconds since the epoch; 0 stands for never. */
function timeOf(files: MachineFiles, path: string): number | undefined {
  const seconds = Number(textOf(files, path));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
}

/** `parse` answers with the value, with why there is none, or with `undefined` for a form it does not know. */
function parsed<T>(files: MachineFiles, path: string, atMs: number, parse: (text: string) => { readonly value: T } | string | undefined): Reading<T> {
  const read = files.text(path);
  if (!read.ok) return read.error.code === "file.missing" ? UNSUPPORTED : failed(read.error);
  const result = parse(read.value);
  if (result === undefined) return unknown(`/${path} is not in the form this software knows`);
  return typeof result === "string" ? unknown(result) : seen(result.value, atMs);
}

function textOf(files: MachineFiles, path: string): string {
  const read = files.text(path);
  return read.ok ? read.value : "";
}
