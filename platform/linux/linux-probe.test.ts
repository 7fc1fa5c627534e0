import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import type { Inventory } from "../ports/host.ts";
import { seen, UNSUPPORTED, type Reading } from "../ports/reading.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { LinuxProbe, type FirmwareState } from "./linux-probe.ts";
import { fixtureFiles, type Fixture } from "./testing/fixture-files.ts";

const nothing: Inventory = {
  model: UNSUPPORTED,
  serial: UNSUPPORTED,
  os: UNSUPPORTED,
  kernel: UNSUPPORTED,
  cpu: UNSUPPORTED,
  cpuCores: UNSUPPORTED,
  memoryBytes: UNSUPPORTED,
  architecture: UNSUPPORTED,
};

function probe(fixture: Fixture, dataDir = tmpdir(), firmware?: () => Promise<Reading<FirmwareState>>): LinuxProbe {
  return new LinuxProbe({
    files: fixtureFiles(fixture),
    clock: new VirtualTime({ monotonicMs: 5 }),
    timers: new VirtualTime(),
    dataDir,
    inventory: () => Promise.resolve(nothing),
    ...(firmware !== undefined && { firmware }),
  });
}

describe("Linux probe", () => {
  test("counts waiting for the disk as idle, and guests' CPU time only once", async () => {
    const stat = "cpu  100 20 30 800 50 5 5 10 40 4\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n";
    expect(await probe({ "proc/stat": stat }).cpuTimes()).toEqual({ kind: "ok", atMs: 5, value: { busyMs: 1_700, totalMs: 10_200 } });
  });

  test("reports load, memory and uptime", async () => {
    const machine = probe({
      "proc/loadavg": "0.52 0.58 0.59 2/823 12345\n",
      "proc/meminfo": "MemTotal:        3884400 kB\nMemFree:          100000 kB\nMemAvailable:    2000000 kB\n",
      "proc/uptime": "350735.47 234388.90\n",
    });
    expect(await machine.load()).toMatchObject({ kind: "ok", value: 0.52 });
    expect(await machine.memory()).toMatchObject({ value: { totalBytes: 3_884_400 * 1_024, availableBytes: 2_000_000 * 1_024 } });
    expect(await machine.uptimeMs()).toMatchObject({ value: 350_735_470 });
  });

  test("reports the hottest processor sensor, and ignores disks, radios and nonsense values", async () => {
    const machine = probe({
      "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
      "sys/class/thermal/thermal_zone0/temp": "61342\n",
      "sys/class/thermal/thermal_zone1/type": "iwlwifi_1\n",
      "sys/class/thermal/thermal_zone1/temp": "88000\n",
      "sys/class/thermal/thermal_zone2/type": "gpu-thermal\n",
      "sys/class/thermal/thermal_zone2/temp": "-274000\n",
      "sys/class/hwmon/hwmon0/name": "coretemp\n",
      "sys/class/hwmon/hwmon0/temp1_input": "63500\n",
      "sys/class/hwmon/hwmon1/name": "nvme\n",
      "sys/class/hwmon/hwmon1/temp1_input": "79850\n",
    });
    expect(await machine.temperatureC()).toMatchObject({ kind: "ok", value: 63.5 });
  });

  test("distinguishes no sensor (unsupported) from unreadable sensors (failed); neither is 0 °C", async () => {
    expect(await probe({}).temperatureC()).toEqual({ kind: "unsupported" });
    const broken = probe({ "sys/class/thermal/thermal_zone0/type": "cpu-thermal", "sys/class/thermal/thermal_zone0/temp": undefined });
    expect(await broken.temperatureC()).toMatchObject({ kind: "failed", error: { code: "probe.temperature" } });
  });

  test("reports each failed fact separately, and no failure as a value", async () => {
    const machine = probe(
      { "proc/stat": "cpu  x", "proc/loadavg": undefined, "proc/meminfo": "MemTotal: 5 kB\n", "proc/uptime": "" },
      "/no/such/folder",
    );
    expect(await machine.cpuTimes()).toMatchObject({ kind: "unknown" });
    expect(await machine.load()).toMatchObject({ kind: "failed", error: { code: "file.unreadable" } });
    expect(await machine.memory()).toMatchObject({ kind: "unknown" });
    expect(await machine.uptimeMs()).toMatchObject({ kind: "unknown" });
    expect(await machine.disk()).toMatchObject({ kind: "failed", error: { code: "probe.disk" } });
    expect(await probe({}).cpuTimes()).toEqual({ kind: "unsupported" });
  });

  const voltage = (alarm: string): Fixture => ({
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": alarm,
  });

  test("reports undervoltage from the kernel's driver and from the firmware, whichever says so", async () => {
    expect(await probe(voltage("0\n")).undervoltage()).toEqual({ kind: "ok", value: false, atMs: 5 });
    expect(await probe(voltage("1\n")).undervoltage()).toMatchObject({ value: true });
    expect(await probe({}).undervoltage()).toEqual({ kind: "unsupported" });
    const firmware = (undervoltage: boolean) => () => Promise.resolve(seen({ undervoltage, frequencyCapped: true, throttled: false, hot: true }, 5));
    expect(await probe(voltage("0\n"), tmpdir(), firmware(true)).undervoltage()).toMatchObject({ value: true });
    expect(await probe({}, tmpdir(), firmware(false)).undervoltage()).toMatchObject({ value: false });
    expect(await probe({}, tmpdir(), firmware(false)).throttling()).toEqual({ kind: "ok", value: { frequencyCapped: true, throttled: false, hot: true }, atMs: 5 });
    expect(await probe(voltage("0\n")).throttling()).toEqual({ kind: "unsupported" });
  });

  test("reports the processor's clock in hertz; a machine without cpufreq has none", async () => {
    const policy = "sys/devices/system/cpu/cpufreq/policy0";
    expect(await probe({ [`${policy}/scaling_cur_freq`]: "600000\n", [`${policy}/cpuinfo_max_freq`]: "1500000\n" }).cpuClock()).toMatchObject({ value: { hz: 600_000_000, maxHz: 1_500_000_000 } });
    expect(await probe({}).cpuClock()).toEqual({ kind: "unsupported" });
  });

  test("reports pressure; a kernel without it or with it switched off is unsupported, not without pressure", async () => {
    const files: Fixture = {
      "proc/pressure/cpu": "some avg10=1.55 avg60=10.57 avg300=8.49 total=19787492021\n",
      "proc/pressure/memory": "some avg10=0.00 avg60=4.00 avg300=2.00 total=1\nfull avg10=0.00 avg60=3.00 avg300=1.50 total=1\n",
      "proc/pressure/io": "some avg10=2.12 avg60=4.64 avg300=2.20 total=766023058\nfull avg10=2.04 avg60=4.30 avg300=1.94 total=249934817\n",
    };
    expect(await probe(files).pressure()).toMatchObject({
      kind: "ok",
      value: {
        cpu: { some: { minutePercent: 10.57, fiveMinutesPercent: 8.49 } },
        memory: { full: { minutePercent: 3, fiveMinutesPercent: 1.5 } },
        io: { some: { minutePercent: 4.64 }, full: { minutePercent: 4.3 } },
      },
    });
    expect(await probe({}).pressure()).toEqual({ kind: "unsupported" });
    expect(await probe({ ...files, "proc/pressure/io": "none" }).pressure()).toMatchObject({ kind: "unknown" });
    expect(await probe({ ...files, "proc/pressure/cpu": undefined }).pressure()).toMatchObject({ kind: "failed" });
  });

  test("reads the inventory once", async () => {
    let reads = 0;
    const machine = new LinuxProbe({
      files: fixtureFiles({}),
      clock: new VirtualTime(),
      timers: new VirtualTime(),
      dataDir: "/",
      inventory: () => ((reads += 1), Promise.resolve(nothing)),
    });
    await Promise.all([machine.inventory(), machine.inventory()]);
    expect(reads).toBe(1);
  });
});
