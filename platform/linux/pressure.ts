import type { Pressure, Stall, StallShare } from "../ports/machine-facts.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../ports/reading.ts";
import type { MachineFiles } from "./machine-files.ts";

/**
 * Pressure stall information. A kernel without it has no such files. One that has it switched off, such as Raspberry Pi
 * OS without `psi=1` on its command line, has none either, or refuses to read them (EOPNOTSUPP).
 */
export function readPressure(files: MachineFiles, atMs: number): Reading<Pressure> {
  const stalls: Stall[] = [];
  for (const resource of ["cpu", "memory", "io"]) {
    const read = files.text(`proc/pressure/${resource}`);
    if (!read.ok) return read.error.code === "file.missing" || read.error.message.includes("EOPNOTSUPP") ? UNSUPPORTED : failed(read.error);
    const some = share(read.value, "some");
    const full = share(read.value, "full");
    if (some === undefined) return unknown(`/proc/pressure/${resource} is not in the form this software knows`);
    stalls.push({ some, ...(full !== undefined && { full }) });
  }
  const [cpu, memory, io] = stalls as [Stall, Stall, Stall];
  return seen({ cpu, memory, io }, atMs);
}

/** `some avg10=1.55 avg60=10.57 avg300=8.49 total=19787492021` */
function share(text: string, which: "some" | "full"): StallShare | undefined {
  const [, minute, fiveMinutes] = new RegExp(`^${which} .*\\bavg60=(\\d+\\.\\d+) avg300=(\\d+\\.\\d+) `, "m").exec(text) ?? [];
  return minute === undefined || fiveMinutes === undefined ? undefined : { minutePercent: Number(minute), fiveMinutesPercent: Number(fiveMinutes) };
}
