import type { Clock, Timers } from "../ports/clock.ts";
import type { Inventory } from "../ports/host.ts";
import { failed, seen, unknown, type Reading } from "../ports/reading.ts";
import { messageOf } from "../ports/result.ts";
import { withDeadline } from "../runtime/sleep.ts";
import type { MachineFiles } from "./machine-files.ts";

/** It starts programs such as dmidecode, which can hang on odd firmware. */
const DEADLINE_MS = 10_000;
/** What firmware says when its maker filled nothing in. */
const FILLERS =
  /^(|-|0+|none|unknown|n\/a|not (specified|available|applicable)|default string|to be filled by o\.e\.m\.?|system product name)$/i;

/**
 * What the machine is, once. This is the only file that imports systeminformation: it knows a great many
 * machines, and answers "" or 0 where it knows nothing, so every answer is turned into a `Reading` here.
 * Device-tree facts are read directly, because they are what is printed on a board.
 */
export async function readLinuxInventory(files: MachineFiles, clock: Clock, timers: Timers): Promise<Inventory> {
  const { default: si } = await import("systeminformation");
  const ask = <T>(what: string, work: Promise<T>): Promise<Reading<T>> =>
    withDeadline(timers, `inventory.${what}`, DEADLINE_MS, work).then(
      (value) => seen(value, clock.monotonicMs()),
      (thrown: unknown) => failed({ code: "inventory.failed", message: `${what}: ${messageOf(thrown)}` }),
    );
  const [system, os, cpu, memory] = await Promise.all([
    ask("system", si.system()),
    ask("os", si.osInfo()),
    ask("cpu", si.cpu()),
    ask("memory", si.mem()),
  ]);
  const fromTree = (path: string): Reading<string> | undefined => {
    const read = files.text(path);
    return read.ok && read.value !== "" ? seen(read.value, clock.monotonicMs()) : undefined;
  };
  return {
    model: fromTree("proc/device-tree/model") ?? text(system, (value) => joined(value.manufacturer, value.model)),
    serial: fromTree("proc/device-tree/serial-number") ?? text(system, (value) => value.serial),
    os: text(os, (value) => joined(value.distro, value.release)),
    kernel: fromTree("proc/sys/kernel/osrelease") ?? text(os, (value) => value.kernel),
    cpu: text(cpu, (value) => joined(value.manufacturer, value.brand)),
    cpuCores: positive(cpu, (value) => value.cores),
    memoryBytes: positive(memory, (value) => value.total),
    architecture: text(os, (value) => value.arch),
  };
}

function text<T>(reading: Reading<T>, of: (value: T) => unknown): Reading<string> {
  if (reading.kind !== "ok") return reading;
  const value = of(reading.value);
  if (typeof value !== "string" || FILLERS.test(value.trim())) return unknown("the machine does not say");
  return seen(value.trim(), reading.atMs);
}

function positive<T>(reading: Reading<T>, of: (value: T) => unknown): Reading<number> {
  if (reading.kind !== "ok") return reading;
  const value = of(reading.value);
  return typeof value === "number" && value > 0 ? seen(value, reading.atMs) : unknown("the machine does not say");
}

/** Two texts as one, without the fillers and without saying the first twice. */
function joined(first: unknown, second: unknown): string {
  const parts = [first, second]
    .filter((part): part is string => typeof part === "string" && !FILLERS.test(part.trim()))
    .map((part) => part.trim());
  const [one, two] = parts;
  return one !== undefined && two?.startsWith(one) === true ? two : parts.join(" ");
}
