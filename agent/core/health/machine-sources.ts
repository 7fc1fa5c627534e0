import type { SystemProbe } from "../../../platform/ports/host.ts";
import type { FileSystemErrors, StorageHealth, Throttling } from "../../../platform/ports/machine-facts.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { HealthSource } from "./health-source.ts";
import { Steady, type SteadyRule } from "./steady.ts";
import type { StorageTrials } from "./storage-trials.ts";

/** Health is looked at every 30 s: three dips in five minutes, ten minutes without one. */
const SUPPLY_RULE: SteadyRule = { bad: 3, of: 10, good: 20 };
const THROTTLED_RULE: SteadyRule = { bad: 4, of: 10, good: 10 };
/** Counters that do not change by themselves. */
const COUNTER_RULE: SteadyRule = { bad: 2, of: 2, good: 2 };
/** Five-minute shares, which are steady by themselves. */
const PRESSURE_RULE: SteadyRule = { bad: 4, of: 4, good: 4 };
/** From this share of its rated life a card should be replaced. */
export const WORN_PERCENT = 100;
/** Share of time in which everything waited for memory: the machine swaps or drops the programs' code, and pictures stutter. */
const MEMORY_FULL_PERCENT = 10;
const IO_FULL_PERCENT = 60;

export function undervoltageSource(probe: Pick<SystemProbe, "undervoltage">): HealthSource {
  return steadySource({ name: "supply", alarm: "warning" }, SUPPLY_RULE, () => probe.undervoltage(), (low) => (low ? UNDERVOLTAGE : undefined));
}

const UNDERVOLTAGE: Issue = { code: "supply.undervoltage", message: "the supply voltage keeps falling too low; use a stronger power supply and a short, thick cable" };

export function throttlingSource(probe: Pick<SystemProbe, "throttling">): HealthSource {
  return steadySource({ name: "processor", alarm: "warning" }, THROTTLED_RULE, () => probe.throttling(), throttlingIssue);
}

function throttlingIssue({ throttled, frequencyCapped }: Throttling): Issue | undefined {
  if (!throttled && !frequencyCapped) return undefined;
  return { code: "cpu.throttled", message: "the firmware slows the processor down; improve the ventilation, and check the power supply" };
}

export function fileSystemSource(probe: Pick<SystemProbe, "storage">): HealthSource {
  return steadySource({ name: "file-system", alarm: "error" }, COUNTER_RULE, async () => (await probe.storage()).fileSystems, fileSystemIssue);
}

/** The count as a power of ten: a failing card adds errors by the thousand, and every change of the message is sent. */
export function fileSystemIssue(all: readonly FileSystemErrors[]): Issue | undefined {
  const damaged = all.filter(({ count }) => count > 0);
  if (damaged.length === 0) return undefined;
  const found = damaged.map(({ name, count }) => `${name} (${count < 10 ? "fewer than 10" : `${10 ** Math.floor(Math.log10(count))} or more`})`);
  return { code: "disk.errors", message: `the file system recorded errors on ${found.join(", ")}; repair it with e2fsck, and replace the card if they return` };
}

export function wearSource(probe: Pick<SystemProbe, "storage">): HealthSource {
  return steadySource({ name: "card-wear", alarm: "warning" }, COUNTER_RULE, async () => wearReading(await probe.storage()), ({ issue }) => issue);
}

function wearReading(storage: StorageHealth): Reading<{ readonly issue: Issue | undefined }> {
  const { lifeUsedPercent, reserve } = storage;
  if (lifeUsedPercent.kind !== "ok" && reserve.kind !== "ok") return lifeUsedPercent;
  return { kind: "ok", value: { issue: wearIssue(storage) }, atMs: 0 };
}

export function wearIssue({ lifeUsedPercent, reserve }: Pick<StorageHealth, "lifeUsedPercent" | "reserve">): Issue | undefined {
  const reasons = [
    ...(lifeUsedPercent.kind === "ok" && lifeUsedPercent.value >= WORN_PERCENT ? ["has used more than 90 % of its rated life"] : []),
    ...(reserve.kind === "ok" && reserve.value !== "normal" ? [`has used more than ${reserve.value === "urgent" ? 90 : 80} % of its blocks in reserve`] : []),
  ];
  return reasons.length === 0 ? undefined : { code: "disk.worn", message: `the card ${reasons.join(" and ")}; replace it` };
}

export function storageTrialSource(trials: StorageTrials): HealthSource {
  return { name: "storage-trial", alarm: "error", look: () => trials.issue() };
}

export function memoryPressureSource(probe: Pick<SystemProbe, "pressure">): HealthSource {
  return steadySource({ name: "memory-pressure", alarm: "warning" }, PRESSURE_RULE, () => probe.pressure(), ({ memory }) =>
    (memory.full ?? memory.some).fiveMinutesPercent < MEMORY_FULL_PERCENT
      ? undefined
      : { code: "pressure.memory", message: `all programs have waited for memory at least ${MEMORY_FULL_PERCENT} % of the time; use lighter content, or a machine with more memory` },
  );
}

export function ioPressureSource(probe: Pick<SystemProbe, "pressure">): HealthSource {
  return steadySource({ name: "disk-pressure", alarm: "warning" }, PRESSURE_RULE, () => probe.pressure(), ({ io }) =>
    (io.full ?? io.some).fiveMinutesPercent < IO_FULL_PERCENT
      ? undefined
      : { code: "pressure.io", message: `all programs have waited for the disk at least ${IO_FULL_PERCENT} % of the time; look for what writes, and check the card` },
  );
}

/** A source judged by several readings. A reading without a value changes nothing: what was found stays until it is seen to be over. */
function steadySource<T>(
  head: Pick<HealthSource, "name" | "alarm">,
  rule: SteadyRule,
  read: () => Promise<Reading<T>>,
  judge: (value: T) => Issue | undefined,
): HealthSource {
  const steady = new Steady(rule);
  let last: Issue | undefined;
  return {
    ...head,
    async look() {
      const reading = await read();
      if (reading.kind === "ok") {
        const issue = judge(reading.value);
        steady.take(issue !== undefined);
        last = issue ?? last;
      }
      return steady.isBad ? last : undefined;
    },
  };
}
