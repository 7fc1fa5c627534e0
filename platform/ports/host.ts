import type { ClockQuality } from "./clock.ts";
import type { CpuClock, Pressure, StorageHealth, StorageTrial, Throttling } from "./machine-facts.ts";
import type { Effect, Reading } from "./reading.ts";
import type { Result } from "./result.ts";

/** The machine's power. A reboot is proved by a changed boot id, never by clock arithmetic. */
export interface HostPower {
  /** Changes with every boot of the machine and only then (Linux: /proc/sys/kernel/random/boot_id). */
  bootId(): Promise<string>;
  /** Requests a restart. `ok` means that the request was accepted, not that the machine has restarted. */
  reboot(reason: string): Promise<Result<void>>;
  shutdown(reason: string): Promise<Result<void>>;
  /** Absent: this machine has none. */
  readonly forcedReset?: ForcedReset;
}

/** A reset that stops nothing in order, for where an orderly reboot hangs. It outlives the agent. */
export interface ForcedReset {
  /** Whether it can be used. Error: `reset.no-unit`. */
  check(): Result<void>;
  /** The machine resets after `delayMs`, unless it has gone down before or `disarm` was called. Errors: `reset.no-unit`, `reset.refused`. */
  arm(delayMs: number): Promise<Result<void>>;
  /** Also after an `arm` that failed: it may have been late only. Without anything armed it succeeds. */
  disarm(): Promise<Result<void>>;
}

/** A hardware watchdog that resets the machine when it is not fed. */
export interface Watchdog {
  /** Milliseconds without feeding until the reset; final after the first feeding. */
  readonly timeoutMs: number;
  feed(): Promise<Result<void>>;
}

export interface NetworkInterface {
  readonly name: string;
  readonly kind: "ethernet" | "wifi" | "other";
  readonly up: boolean;
  readonly mac: string;
  /** Addresses with prefix length, e.g. `192.0.2.4/24`. */
  readonly addresses: readonly string[];
  /** Bytes since boot. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface NetworkControl {
  interfaces(): Promise<Reading<readonly NetworkInterface[]>>;
  /** Address of the default gateway, if there is one. */
  gateway(): Promise<Reading<string>>;
  onChange(changed: () => void): () => void;
}

export interface ClockControl {
  /** Whether the wall clock has been confirmed since boot. */
  quality(): Promise<ClockQuality>;
  /** IANA name of the machine's time zone, e.g. `Europe/Madrid`. */
  timeZone(): Promise<Reading<string>>;
  /**
   * Sets the machine's time zone. Absent: it cannot be set. Errors: `clock.no-such-zone`, `clock.zone-refused`. Programs that
   * run, the browser among them, may keep the old one until they start again.
   */
  setTimeZone?(name: string): Promise<Effect<string>>;
  /** What the machine's own database lists of a zone. Absent or `undefined`: nothing, and the engine's tables are asked, which take 8 MiB for good. */
  zoneTable?(name: string): ZoneTable | undefined;
}

/** A list of a time zone's offsets. */
export interface ZoneTable {
  /** Local time minus UTC in milliseconds at an instant; `undefined` after the end of the list. */
  offsetMs(utcMs: number): number | undefined;
}

export interface DiskUsage {
  readonly path: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** Facts that do not change while the agent runs; read once. */
export interface Inventory {
  readonly model: Reading<string>;
  readonly serial: Reading<string>;
  readonly os: Reading<string>;
  readonly kernel: Reading<string>;
  readonly cpu: Reading<string>;
  readonly cpuCores: Reading<number>;
  readonly memoryBytes: Reading<number>;
  readonly architecture: Reading<string>;
}

/** What the machine is doing now. Each reading fails independently. Concurrent callers do not affect each other. */
export interface SystemProbe {
  inventory(): Promise<Inventory>;
  /** Cumulative CPU time since boot; the caller computes rates from two samples. */
  cpuTimes(): Promise<Reading<{ readonly busyMs: number; readonly totalMs: number }>>;
  /** One-minute load average. */
  load(): Promise<Reading<number>>;
  memory(): Promise<Reading<{ readonly totalBytes: number; readonly availableBytes: number }>>;
  /** The file system that holds our data. */
  disk(): Promise<Reading<DiskUsage>>;
  /** Hottest relevant sensor, degrees Celsius. */
  temperatureC(): Promise<Reading<number>>;
  /** Milliseconds since the machine booted. */
  uptimeMs(): Promise<Reading<number>>;
  /** Whether the supply voltage is too low now, or was in the last seconds. */
  undervoltage(): Promise<Reading<boolean>>;
  throttling(): Promise<Reading<Throttling>>;
  cpuClock(): Promise<Reading<CpuClock>>;
  pressure(): Promise<Reading<Pressure>>;
  storage(): Promise<StorageHealth>;
  /**
   * Writes a block of 4 KiB to the disk of our data and reads it back, bounded in time. Costs flash writes: call it seldom.
   * Errors: `disk.hangs` (also while an earlier trial has not come back), `disk.wrong-data`, `disk.unwritable`.
   */
  tryStorage(): Promise<Reading<StorageTrial>>;
}

/** A screenshot of the whole output, taken from the compositor. */
export interface Screenshot {
  capture(): Promise<Result<{ readonly png: Uint8Array; readonly source: string }>>;
}
