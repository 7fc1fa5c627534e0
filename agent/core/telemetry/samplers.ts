import type { TELEMETRY_METRICS } from "../../protocol/desired.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { NetworkControl, NetworkInterface, SystemProbe } from "../../../platform/ports/host.ts";
import type { StallShare, StorageTrial } from "../../../platform/ports/machine-facts.ts";
import type { Reading } from "../../../platform/ports/reading.ts";

export type TelemetryMetric = (typeof TELEMETRY_METRICS)[number];

/** Takes one sample: values by metric name. Empty when nothing could be measured, which is not zero. */
export type Sampler = () => Promise<Samples>;
export type Samples = Readonly<Record<string, number>>;

/** Longest span between two samples that still gives a useful rate. */
const RATE_SPAN_MAX_MS = 2 * 86_400_000;

export interface SamplersDeps {
  readonly probe: SystemProbe;
  readonly network: NetworkControl;
  readonly clock: Clock;
  /** The newest trial of the storage; `undefined` before the first. */
  readonly storageTrial: () => Reading<StorageTrial> | undefined;
  /** The player's newest metrics; `undefined` when it sent none lately. */
  readonly playerMetrics: () => Readonly<Record<string, number>> | undefined;
}

/** One sampler per metric group. Samplers of rates keep their own previous reading. */
export function createSamplers({ probe, network, clock, storageTrial, playerMetrics }: SamplersDeps): Readonly<Record<TelemetryMetric, Sampler>> {
  return {
    cpu: cpuSampler(probe),
    load: async () => one("load.one-minute", await probe.load()),
    memory: async (): Promise<Samples> => {
      const memory = await probe.memory();
      if (memory.kind !== "ok" || memory.value.totalBytes <= 0) return {};
      const usedBytes = memory.value.totalBytes - memory.value.availableBytes;
      return { "memory.used-bytes": usedBytes, "memory.used-percent": (100 * usedBytes) / memory.value.totalBytes };
    },
    disk: async (): Promise<Samples> => {
      const disk = await probe.disk();
      if (disk.kind !== "ok" || disk.value.totalBytes <= 0) return {};
      const { totalBytes, freeBytes } = disk.value;
      return { "disk.free-bytes": freeBytes, "disk.used-percent": (100 * (totalBytes - freeBytes)) / totalBytes };
    },
    temperature: async () => one("temperature.c", await probe.temperatureC()),
    network: networkSampler(network, clock),
    uptime: async (): Promise<Samples> => {
      const uptime = await probe.uptimeMs();
      return uptime.kind === "ok" ? { "uptime.s": Math.floor(uptime.value / 1000) } : {};
    },
    clock: async (): Promise<Samples> => {
      const cpu = await probe.cpuClock();
      return cpu.kind === "ok" ? { "cpu.mhz": cpu.value.hz / 1e6 } : {};
    },
    supply: async (): Promise<Samples> => {
      const [low, throttling] = [await probe.undervoltage(), await probe.throttling()];
      return {
        ...(low.kind === "ok" && { "supply.undervoltage": Number(low.value) }),
        ...(throttling.kind === "ok" && { "cpu.throttled": Number(throttling.value.throttled || throttling.value.frequencyCapped) }),
      };
    },
    pressure: async (): Promise<Samples> => {
      const pressure = await probe.pressure();
      if (pressure.kind !== "ok") return {};
      const { cpu, memory, io } = pressure.value;
      return { ...share("pressure.cpu", cpu.some), ...share("pressure.memory", memory.some), ...share("pressure.memory-full", memory.full), ...share("pressure.io", io.some), ...share("pressure.io-full", io.full) };
    },
    storage: trialSampler(storageTrial),
    player: () => Promise.resolve(playerMetrics() ?? {}),
  };
}

function cpuSampler(probe: SystemProbe): Sampler {
  let before: { readonly busyMs: number; readonly totalMs: number } | undefined;
  return async (): Promise<Samples> => {
    const reading = await probe.cpuTimes();
    const previous = before;
    before = reading.kind === "ok" ? reading.value : undefined;
    if (previous === undefined || before === undefined) return {};
    const busyMs = before.busyMs - previous.busyMs;
    const totalMs = before.totalMs - previous.totalMs;
    // Counters that stood still or went back give no rate.
    if (totalMs <= 0 || busyMs < 0) return {};
    return { "cpu.percent": Math.min(100, (100 * busyMs) / totalMs) };
  };
}

function networkSampler(network: NetworkControl, clock: Clock): Sampler {
  let before: { readonly atMs: number; readonly interfaces: ReadonlyMap<string, NetworkInterface> } | undefined;
  return async (): Promise<Samples> => {
    const reading = await network.interfaces();
    const previous = before;
    if (reading.kind !== "ok") {
      before = undefined;
      return {};
    }
    before = { atMs: clock.monotonicMs(), interfaces: new Map(reading.value.map((each) => [each.name, each])) };
    const spanMs = previous === undefined ? 0 : before.atMs - previous.atMs;
    if (previous === undefined || spanMs <= 0 || spanMs > RATE_SPAN_MAX_MS) return {};
    let received = 0;
    let sent = 0;
    for (const [name, now] of before.interfaces) {
      const then = previous.interfaces.get(name);
      // A new interface, or one whose counters were reset: its traffic in this span is unknown.
      if (then === undefined || now.receivedBytes < then.receivedBytes || now.sentBytes < then.sentBytes) continue;
      received += now.receivedBytes - then.receivedBytes;
      sent += now.sentBytes - then.sentBytes;
    }
    return { "network.received-bytes-per-s": (1000 * received) / spanMs, "network.sent-bytes-per-s": (1000 * sent) / spanMs };
  };
}

/** Each trial once: it is hours old when it is sampled again. */
function trialSampler(newest: SamplersDeps["storageTrial"]): Sampler {
  let sampled: Reading<StorageTrial> | undefined;
  return () => {
    const trial = newest();
    if (trial === sampled || trial?.kind !== "ok") return Promise.resolve({});
    sampled = trial;
    return Promise.resolve({ "storage.write-ms": trial.value.writeMs, "storage.read-ms": trial.value.readMs });
  };
}

function share(name: string, stall: StallShare | undefined): Samples {
  return stall === undefined ? {} : { [`${name}-percent`]: stall.minutePercent };
}

function one(name: string, reading: Reading<number>): Readonly<Record<string, number>> {
  return reading.kind === "ok" ? { [name]: reading.value } : {};
}
