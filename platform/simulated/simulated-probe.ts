import type { Clock } from "../ports/clock.ts";
import type { Inventory, SystemProbe } from "../ports/host.ts";
import { seen, type Reading } from "../ports/reading.ts";
import type { SimulatedWorld } from "./world.ts";

const CORES = 4;
const MEMORY_BYTES = 4 * 1_024 ** 3;

/**
 * The simulated machine's figures. With `host`, processor, load and memory come from the machine that runs the simulation;
 * temperature, disk and uptime always come from the world, so that its faults and boots show. Simulated figures depend only
 * on the uptime and the world, so every caller sees the same.
 */
export function simulatedProbe(world: SimulatedWorld, clock: Clock, host?: SystemProbe): SystemProbe {
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
  };
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
