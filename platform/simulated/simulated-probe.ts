import type { Clock, Timers } from "../ports/clock.ts";
import type { Inventory, SystemProbe } from "../ports/host.ts";
import type { Pressure, StorageHealth, StorageTrial } from "../ports/machine-facts.ts";
import { failed, seen, type Reading } from "../ports/reading.ts";
import { sleep } from "../runtime/sleep.ts";
import type { SimulatedWorld } from "./world.ts";
import { HEALTHY_CARD } from "./world-state.ts";

const CORES = 4;
const MEMORY_BYTES = 4 * 1_024 ** 3;
const CPU_HZ = 1_500_000_000;
/** The throttled clock of a Raspberry Pi. */
const THROTTLED_HZ = 600_000_000;
/** When a hanging card's trial is given up. */
const HANGS_MS = 30_000;
const TRIAL_MS = { normal: 4, slow: 6_000 } as const;

/**
 * The simulated machine's figures. With `host`, processor, load and memory come from the machine that runs the simulation;
 * temperature, disk and uptime always come from the world, so that its faults and boots show. Simulated figures depend only
 * on the uptime and the world, so every caller sees the same.
 */
export function simulatedProbe(world: SimulatedWorld, { clock, timers, host }: { readonly clock: Clock; readonly timers: Timers; readonly host?: SystemProbe | undefined }): SystemProbe {
  const at = <T>(value: T): Promise<Reading<T>> => Promise.resolve(seen(value, clock.monotonicMs()));
  return {
    inventory: async () => inventoryOf(world, clock, await host?.inventory()),
    cpuTimes: () => host?.cpuTimes() ?? at({ busyMs: busyMs(world.uptimeMs()), totalMs: world.uptimeMs() * CORES }),
    load: () => host?.load() ?? at(0.4 + 0.2 * wave(world.uptimeMs(), 300_000)),
    memory: () =>
      host?.memory() ??
      at({ totalBytes: MEMORY_BYTES, availableBytes: Math.round(MEMORY_BYTES * (0.6 + 0.05 * wave(world.uptimeMs(), 900_000))) }),
    disk: () => {
      const { totalBytes, freeBytes, mood } = world.state.disk;
      return at({ path: "/", totalBytes, freeBytes: mood === "full" ? 0 : freeBytes });
    },
    temperatureC: () => {
      const { baseC, extraC } = world.state.temperature;
      return at(Math.round((baseC + extraC + 1.5 * wave(world.uptimeMs(), 600_000)) * 10) / 10);
    },
    uptimeMs: () => at(world.uptimeMs()),
    undervoltage: () => at(world.state.supply?.undervoltage ?? false),
    throttling: () => {
      const throttled = world.state.supply?.throttled ?? false;
      return at({ frequencyCapped: throttled, throttled, hot: false });
    },
    cpuClock: () => at({ hz: world.state.supply?.throttled === true ? THROTTLED_HZ : CPU_HZ, maxHz: CPU_HZ }),
    pressure: () => at(pressureOf(world)),
    storage: () => Promise.resolve(storageOf(world, clock)),
    tryStorage: () => tryCard(world, clock, timers),
  };
}

function pressureOf(world: SimulatedWorld): Pressure {
  const stall = (percent: number): Pressure["cpu"] => {
    const share = { minutePercent: percent, fiveMinutesPercent: percent };
    return { some: share, full: share };
  };
  const { cpuPercent, memoryPercent, ioPercent } = world.state.pressure ?? { cpuPercent: 0, memoryPercent: 0, ioPercent: 0 };
  return { cpu: stall(cpuPercent), memory: stall(memoryPercent), io: stall(ioPercent) };
}

function storageOf(world: SimulatedWorld, clock: Clock): StorageHealth {
  const at = <T>(value: T): Reading<T> => seen(value, clock.monotonicMs());
  const { errors, lifeUsedPercent, reserve, firstErrorMs, lastErrorMs } = world.state.card ?? HEALTHY_CARD;
  return {
    device: at("mmcblk0"),
    card: at({ kind: "mmc", name: "SIM64G", serial: world.state.serial, made: "01/2026", manufacturer: "0x000000" }),
    lifeUsedPercent: at(lifeUsedPercent),
    reserve: at(reserve),
    fileSystems: at([{ name: "mmcblk0p2", count: errors, ...(firstErrorMs !== undefined && { firstMs: firstErrorMs }), ...(lastErrorMs !== undefined && { lastMs: lastErrorMs }) }]),
  };
}

/** A trial under way is not affected by a change of the mood, except that one that hangs answers late. */
async function tryCard(world: SimulatedWorld, clock: Clock, timers: Timers): Promise<Reading<StorageTrial>> {
  const { mood } = world.state.card ?? HEALTHY_CARD;
  const takesMs = mood === "hangs" ? HANGS_MS : mood === "slow" ? TRIAL_MS.slow : TRIAL_MS.normal;
  await sleep(timers, "simulated.card", takesMs, new AbortController().signal);
  switch (mood) {
    case "hangs":
      return failed({ code: "disk.hangs", message: `the simulated card did not answer within ${HANGS_MS / 1_000} s` });
    case "wrong-data":
      return failed({ code: "disk.wrong-data", message: "the simulated card returned other data than was written" });
    case "unwritable":
      return failed({ code: "disk.unwritable", message: "the simulated card takes no writes" });
    case "slow":
    case "normal":
      return seen({ writeMs: takesMs * 0.75, readMs: takesMs * 0.25, fromDisk: true }, clock.monotonicMs());
  }
}

function inventoryOf(world: SimulatedWorld, clock: Clock, host: Inventory | undefined): Inventory {
  const at = <T>(value: T): Reading<T> => seen(value, clock.monotonicMs());
  return {
    os: at("Simulated OS 1"),
    kernel: at("0.0.0-simulated"),
    cpu: at("Simulated processor"),
    cpuCores: at(CORES),
    memoryBytes: at(MEMORY_BYTES),
    architecture: at("simulated"),
    ...host,
    model: at("Vitrine simulated player"),
    serial: at(world.state.serial),
  };
}

/** Sine wave from -1 to 1. */
function wave(nowMs: number, periodMs: number): number {
  return Math.sin((2 * Math.PI * nowMs) / periodMs);
}

/** Processor time used: about an eighth of all cores, with slow swings. Never falls, because it is a counter. */
function busyMs(uptimeMs: number): number {
  const periodMs = 120_000;
  const mean = 0.125 * CORES;
  const swing = 0.08 * CORES;
  return Math.round(mean * uptimeMs + (swing * periodMs * (1 - Math.cos((2 * Math.PI * uptimeMs) / periodMs))) / (2 * Math.PI));
}
