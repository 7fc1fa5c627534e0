import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import type { Inventory } from "../ports/host.ts";
import { UNSUPPORTED } from "../ports/reading.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { LinuxProbe } from "./linux-probe.ts";
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

function probe(fixture: Fixture, dataDir = tmpdir()): LinuxProbe {
  return new LinuxProbe({
    files: fixtureFiles(fixture),
    clock: new VirtualTime({ monotonicMs: 5 }),
    dataDir,
    inventory: () => Promise.resolve(nothing),
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

  test("reads the inventory once", async () => {
    let reads = 0;
    const machine = new LinuxProbe({
      files: fixtureFiles({}),
      clock: new VirtualTime(),
      dataDir: "/",
      inventory: () => ((reads += 1), Promise.resolve(nothing)),
    });
    await Promise.all([machine.inventory(), machine.inventory()]);
    expect(reads).toBe(1);
  });
});
