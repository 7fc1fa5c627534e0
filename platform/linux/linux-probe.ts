import { statfs } from "node:fs/promises";
import type { Clock } from "../ports/clock.ts";
import type { DiskUsage, Inventory, SystemProbe } from "../ports/host.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../ports/reading.ts";
import { messageOf } from "../ports/result.ts";
import type { MachineFiles } from "./machine-files.ts";

/** Linux tells user space times in hundredths of a second on every architecture we run on (USER_HZ). */
const TICK_MS = 10;
const KIB = 1_024;
/** Sensors of parts other than the processor; they say nothing about throttling. */
const OTHER_SENSORS = /iwlwifi|ath\d|nvme|drivetemp|battery|^bat|^ac$|charger/i;
const PLAUSIBLE_C = { min: -40, max: 150 } as const;

export interface LinuxProbeDeps {
  readonly files: MachineFiles;
  readonly clock: Clock;
  /** A path on the file system that holds our data. */
  readonly dataDir: string;
  readonly inventory: () => Promise<Inventory>;
}

/** Figures straight from /proc and /sys. Nothing is kept between calls, so callers cannot affect each other. */
export class LinuxProbe implements SystemProbe {
  readonly #deps: LinuxProbeDeps;
  #inventory: Promise<Inventory> | undefined;

  constructor(deps: LinuxProbeDeps) {
    this.#deps = deps;
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
