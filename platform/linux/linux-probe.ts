import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timers } from "../ports/clock.ts";
import type { DiskUsage, Inventory, SystemProbe } from "../ports/host.ts";
import type { CpuClock, Pressure, StorageHealth, StorageTrial, Throttling } from "../ports/machine-facts.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../ports/reading.ts";
import { messageOf } from "../ports/result.ts";
import type { MachineFiles } from "./machine-files.ts";
import { readPressure } from "./pressure.ts";
import { blockNumberOf, readStorageHealth } from "./storage-health.ts";
import { LinuxStorageTrial } from "./storage-trial.ts";

/** Linux tells user space times in hundredths of a second on every architecture we run on (USER_HZ). */
const TICK_MS = 10;
const KIB = 1_024;
/** Sensors of parts other than the processor; they say nothing about throttling. */
const OTHER_SENSORS = /iwlwifi|ath\d|nvme|drivetemp|battery|^bat|^ac$|charger/i;
const PLAUSIBLE_C = { min: -40, max: 150 } as const;

export interface LinuxProbeDeps {
  readonly files: MachineFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  /** A path on the file system that holds our data. */
  readonly dataDir: string;
  readonly inventory: () => Promise<Inventory>;
  /** What the board's firmware says of voltage and throttling. Absent: nobody says. */
  readonly firmware?: () => Promise<Reading<FirmwareState>>;
  /** `major:minor` of the disk below `dataDir`. Default: as the kernel says. */
  readonly blockNumber?: () => string;
}

/** What a board's firmware says of its supply voltage and its processor, now. */
export interface FirmwareState extends Throttling {
  readonly undervoltage: boolean;
}

/** The file that `tryStorage` overwrites. */
const TRIAL_FILE = "storage-trial.bin";
/** The hwmon driver of the Raspberry Pi's firmware (drivers/hwmon/raspberrypi-hwmon.c). */
const VOLTAGE_CHIP = "rpi_volt";

/** Figures straight from /proc and /sys. Nothing is kept between calls, so callers cannot affect each other. */
export class LinuxProbe implements SystemProbe {
  readonly #deps: LinuxProbeDeps;
  readonly #trial: LinuxStorageTrial;
  #inventory: Promise<Inventory> | undefined;

  constructor(deps: LinuxProbeDeps) {
    this.#deps = deps;
    this.#trial = new LinuxStorageTrial({ clock: deps.clock, timers: deps.timers, path: join(deps.dataDir, TRIAL_FILE) });
  }

  inventory(): Promise<Inventory> {
    this.#inventory ??= this.#deps.inventory();
    return this.#inventory;
  }

  /** /proc/stat: user nice system idle iowait irq softirq steal; guest time is already in user (proc(5)). */
  cpuTimes(): Promise<Reading<{ readonly busyMs: number; readonly totalMs: number }>> {
    return this.#parse("proc/stat", (text) => {
      const ticks = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.split(" ").map(Number).slice(0, 8);
      if (ticks === undefined || ticks.length < 4) return undefined;
      const total = ticks.reduce((sum, value) => sum + value, 0);
      const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
      return { busyMs: (total - idle) * TICK_MS, totalMs: total * TICK_MS };
    });
  }

  load(): Promise<Reading<number>> {
    return this.#parse("proc/loadavg", (text) => number(/^(\d+\.\d+) /.exec(text)?.[1]));
  }

  memory(): Promise<Reading<{ readonly totalBytes: number; readonly availableBytes: number }>> {
    return this.#parse("proc/meminfo", (text) => {
      const total = number(/^MemTotal: +(\d+) kB$/m.exec(text)?.[1]);
      const available = number(/^MemAvailable: +(\d+) kB$/m.exec(text)?.[1]);
      if (total === undefined || available === undefined) return undefined;
      return { totalBytes: total * KIB, availableBytes: available * KIB };
    });
  }

  async disk(): Promise<Reading<DiskUsage>> {
    const { dataDir, clock } = this.#deps;
    try {
      const { blocks, bavail, bsize } = await statfs(dataDir);
      // bavail, not bfree: blocks reserved for root are not available to us.
      return seen({ path: dataDir, totalBytes: blocks * bsize, freeBytes: bavail * bsize }, clock.monotonicMs());
    } catch (thrown) {
      // Our own folder is gone or its device failed: that is the finding.
      return failed({ code: "probe.disk", message: `${dataDir}: ${messageOf(thrown)}` });
    }
  }

  temperatureC(): Promise<Reading<number>> {
    const sensors = [...this.#thermalZones(), ...this.#hwmonSensors()].filter((sensor) => !OTHER_SENSORS.test(sensor.kind));
    if (sensors.length === 0) return Promise.resolve(UNSUPPORTED);
    const values = sensors
      .map(({ path }) => this.#deps.files.text(path))
      .map((read) => (read.ok ? (number(read.value) ?? Number.NaN) / 1_000 : Number.NaN))
      .filter((celsius) => celsius >= PLAUSIBLE_C.min && celsius <= PLAUSIBLE_C.max);
    if (values.length === 0)
      return Promise.resolve(failed({ code: "probe.temperature", message: `none of ${sensors.length} sensors gave a plausible value` }));
    return Promise.resolve(seen(Math.max(...values), this.#deps.clock.monotonicMs()));
  }

  uptimeMs(): Promise<Reading<number>> {
    return this.#parse("proc/uptime", (text) => {
      const seconds = number(/^(\d+\.\d+) /.exec(text)?.[1]);
      return seconds === undefined ? undefined : Math.round(seconds * 1_000);
    });
  }

  /** The kernel's driver polls the firmware every 2 s and clears what it remembers, so its alarm covers the last 2 s; the firmware says now. */
  async undervoltage(): Promise<Reading<boolean>> {
    const { files, clock, firmware } = this.#deps;
    const chip = files.names("sys/class/hwmon").find((name) => textOf(files, `sys/class/hwmon/${name}/name`) === VOLTAGE_CHIP);
    const state = await firmware?.();
    if (chip === undefined) return state === undefined || state.kind !== "ok" ? (state ?? UNSUPPORTED) : seen(state.value.undervoltage, state.atMs);
    const alarm = await this.#parse(`sys/class/hwmon/${chip}/in0_lcrit_alarm`, (text) => (text === "0" || text === "1" ? text === "1" : undefined));
    if (alarm.kind !== "ok" || state?.kind !== "ok") return alarm;
    return seen(alarm.value || state.value.undervoltage, clock.monotonicMs());
  }

  async throttling(): Promise<Reading<Throttling>> {
    const state = await this.#deps.firmware?.();
    if (state?.kind !== "ok") return state ?? UNSUPPORTED;
    const { frequencyCapped, throttled, hot } = state.value;
    return seen({ frequencyCapped, throttled, hot }, state.atMs);
  }

  /** cpufreq (Documentation/admin-guide/pm/cpufreq.rst), in kHz. */
  async cpuClock(): Promise<Reading<CpuClock>> {
    const policy = "sys/devices/system/cpu/cpufreq/policy0";
    const now = await this.#parse(`${policy}/scaling_cur_freq`, number);
    const max = await this.#parse(`${policy}/cpuinfo_max_freq`, number);
    if (now.kind !== "ok") return now;
    return max.kind === "ok" ? seen({ hz: now.value * 1_000, maxHz: max.value * 1_000 }, now.atMs) : max;
  }

  pressure(): Promise<Reading<Pressure>> {
    return Promise.resolve(readPressure(this.#deps.files, this.#deps.clock.monotonicMs()));
  }

  storage(): Promise<StorageHealth> {
    const { files, clock, dataDir, blockNumber = () => blockNumberOf(dataDir) } = this.#deps;
    return Promise.resolve(readStorageHealth(files, blockNumber, clock.monotonicMs()));
  }

  tryStorage(): Promise<Reading<StorageTrial>> {
    return this.#trial.run();
  }

  #thermalZones(): readonly { readonly kind: string; readonly path: string }[] {
    const { files } = this.#deps;
    return files
      .names("sys/class/thermal")
      .filter((name) => name.startsWith("thermal_zone"))
      .map((name) => ({ kind: textOf(files, `sys/class/thermal/${name}/type`), path: `sys/class/thermal/${name}/temp` }));
  }

  #hwmonSensors(): readonly { readonly kind: string; readonly path: string }[] {
    const { files } = this.#deps;
    return files.names("sys/class/hwmon").flatMap((chip) =>
      files
        .names(`sys/class/hwmon/${chip}`)
        .filter((name) => /^temp\d+_input$/.test(name))
        .map((name) => ({ kind: textOf(files, `sys/class/hwmon/${chip}/name`), path: `sys/class/hwmon/${chip}/${name}` })),
    );
  }

  #parse<T>(path: string, parse: (text: string) => T | undefined): Promise<Reading<T>> {
    const read = this.#deps.files.text(path);
    if (!read.ok) return Promise.resolve(read.error.code === "file.missing" ? UNSUPPORTED : failed(read.error));
    const value = parse(read.value);
    return Promise.resolve(
      value === undefined ? unknown(`/${path} is not in the form this software knows`) : seen(value, this.#deps.clock.monotonicMs()),
    );
  }
}

function number(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return undefined;
  return Number(text);
}

function textOf(files: MachineFiles, path: string): string {
  const read = files.text(path);
  return read.ok ? read.value : "";
}
