import { readdirSync, readFileSync, statSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** The machine on which the figures were measured. */
export interface MachineFacts {
  readonly processor: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  /** Block device and kind of disk of the measured folder. */
  readonly disk: string;
  readonly node: string;
}

export function machineFacts(folder: string): MachineFacts {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    kernel: release(),
    disk: diskUnder(folder),
    node: process.version,
  };
}

/** The mount of `folder`, from /proc/self/mountinfo, and its device, from /sys/block. */
function diskUnder(folder: string): string {
  const device = statSync(folder).dev;
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  const mount = mountOf(readText("/proc/self/mountinfo") ?? "", `${major}:${minor}`);
  if (mount === undefined) return "unknown";
  const name = readdirSync("/sys/block").find((block) => mount.source.startsWith(`/dev/${block}`));
  const rotational = name === undefined ? undefined : readText(`/sys/block/${name}/queue/rotational`)?.trim();
  const model = name === undefined ? undefined : readText(`/sys/block/${name}/device/model`)?.trim();
  const kind = rotational === "0" ? "not rotating" : rotational === "1" ? "rotating, or a virtual disk that does not say" : "kind unknown";
  return `${mount.source}, ${mount.type}, ${model ?? (name?.startsWith("vd") === true ? "virtio" : "no model told")}, ${kind}`;
}

/** Type and source of the mount with this device number, from the text of mountinfo. */
export function mountOf(mountinfo: string, device: string): { readonly type: string; readonly source: string } | undefined {
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [type, source] = after.split(" ");
    if (before.split(" ")[2] === device && type !== undefined && source !== undefined) return { type, source };
  }
  return undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not every device tells every fact about itself; "unknown" is what is printed then.
    return undefined;
  }
}
