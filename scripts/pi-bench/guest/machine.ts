/** The suites of probe, power, clock, network and watchdog on the machine itself, and what its /proc says beside them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLinuxAdapter } from "../../../platform/linux/linux-adapter.ts";
import { LinuxWatchdog, WANTED_TIMEOUT_MS, watchdogTimeoutMs } from "../../../platform/linux/linux-watchdog.ts";
import { machineFiles } from "../../../platform/linux/machine-files.ts";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { hostConformance } from "../../../platform/ports/host.conformance.ts";
import { networkConformance } from "../../../platform/ports/network.conformance.ts";
import { probeConformance } from "../../../platform/ports/probe.conformance.ts";
import { fail } from "../../../platform/ports/result.ts";
import { realBenchTime } from "../../../platform/ports/testing/bench.ts";

const NAME = "Raspberry Pi (emulated)";
const open = () => createLinuxAdapter({ clock: systemClock, timers: new SystemTimers(), dataDir: "/var", evidence: [NAME] });
const bench = async () => ({ ...(await open()), time: realBenchTime() });

probeConformance(NAME, bench);
networkConformance(NAME, bench, { mayCut: false });
hostConformance(NAME, bench, { mayReboot: false });

describe("the machine as its kernel tells it", () => {
  test("it is known as the board that the device tree names, and its kernel by its version", async () => {
    const adapter = await open();
    const model = readFileSync("/proc/device-tree/model", "utf8").replaceAll("\0", "");
    expect(await adapter.probe.inventory()).toMatchObject({ model: { kind: "ok", value: model }, kernel: { kind: "ok", value: release() } });
    await adapter.close();
  });

  test("its temperature is that of the board's thermal sensor", async () => {
    execFileSync("modprobe", ["bcm2835_thermal"]);
    const adapter = await open();
    const reading = await adapter.probe.temperatureC();
    const zoneC = Number(readFileSync("/sys/class/thermal/thermal_zone0/temp", "utf8")) / 1_000;
    expect(reading).toMatchObject({ kind: "ok" });
    expect(reading.kind === "ok" && Math.abs(reading.value - zoneC)).toBeLessThan(5);
    await adapter.close();
  });

  test("what this kernel has no driver for is unsupported, never a guess", async () => {
    const adapter = await open();
    const readings = [await adapter.probe.undervoltage(), await adapter.probe.throttling(), await adapter.probe.cpuClock()];
    expect(readings.map(({ kind }) => kind)).toEqual(["unsupported", "unsupported", "unsupported"]);
    await adapter.close();
  });

  test("the pressure on processor, memory and disk is read from this kernel's own form", async () => {
    const adapter = await open();
    const share = { some: { minutePercent: expect.any(Number) as number, fiveMinutesPercent: expect.any(Number) as number } };
    expect(await adapter.probe.pressure()).toMatchObject({ kind: "ok", value: { cpu: share, memory: share, io: share } });
    await adapter.close();
  });

  test("the card's errors are those of its file system, and a write-and-read trial on it succeeds", async () => {
    const adapter = await open();
    const text = (path: string): string => readFileSync(path, "utf8").trim();
    const card = { kind: "sd", name: text("/sys/block/mmcblk0/device/name"), serial: text("/sys/block/mmcblk0/device/serial") };
    expect(await adapter.probe.storage()).toMatchObject({
      device: { kind: "ok", value: "mmcblk0" },
      card: { kind: "ok", value: card },
      lifeUsedPercent: { kind: "unsupported" },
      fileSystems: { kind: "ok", value: [{ name: "mmcblk0", count: Number(text("/sys/fs/ext4/mmcblk0/errors_count")) }] },
    });
    expect(await adapter.probe.tryStorage()).toMatchObject({ kind: "ok", value: { fromDisk: true } });
    await adapter.close();
  });

  test("the boot id is the kernel's", async () => {
    const adapter = await open();
    expect(await adapter.power.bootId()).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    await adapter.close();
  });

  test("a clock that nobody has set since the boot is reported as unset", async () => {
    const adapter = await open();
    expect(await adapter.clock.quality()).toBe("unset");
    await adapter.close();
  });

  test("without systemd, a reboot is refused and says what it needs", async () => {
    const adapter = await open();
    expect(await adapter.power.reboot("the bench asks")).toMatchObject({ ok: false, error: { code: "host.refused" } });
    await adapter.close();
  });
});

describe("the watchdog on the kernel's softdog", () => {
  const DEVICE = "/dev/watchdog0";
  /** An emulated second can take many on a busy host; a feeding each second must stay well within. */
  const MARGIN_S = 30;
  const EXPIRED_MS_MAX = 180_000;
  const FED = { ok: true, value: undefined };
  let watchdog: LinuxWatchdog;

  // Where it would reset the machine, it only says so in the kernel's log.
  beforeAll(() => void execFileSync("modprobe", ["softdog", `soft_margin=${MARGIN_S}`, "soft_noboot=1"]));
  beforeEach(() => {
    execFileSync("dmesg", ["--clear"]);
    // Without system calls it cannot lengthen the margin, so that the tests need not wait for the longer one.
    watchdog = new LinuxWatchdog(DEVICE, MARGIN_S * 1_000, () => fail("kernel.no-native", "left out"));
  });
  afterEach(() => watchdog.close());

  const expired = (): boolean => /softdog: (Triggered|Reboot ignored)/i.test(execFileSync("dmesg", { encoding: "utf8" }));
  const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  test("while it is fed it does not expire", async () => {
    for (const untilMs = performance.now() + (MARGIN_S + 10) * 1_000; performance.now() < untilMs; ) {
      expect(await watchdog.feed()).toEqual(FED);
      await pass(1_000);
    }
    expect(expired()).toBe(false);
  });

  test("closed in order, it is disarmed and does not expire", async () => {
    expect(await watchdog.feed()).toEqual(FED);
    await watchdog.close();
    await pass((MARGIN_S + 10) * 1_000);
    expect(expired()).toBe(false);
  });

  test("not fed any more, it expires", async () => {
    expect(await watchdog.feed()).toEqual(FED);
    for (let waitedMs = 0; !expired() && waitedMs < EXPIRED_MS_MAX; waitedMs += 1_000) await pass(1_000);
    expect(expired()).toBe(true);
  });

  test("a device that another program feeds is refused, and that program's stays armed", async () => {
    expect(await watchdog.feed()).toEqual(FED);
    const second = new LinuxWatchdog(DEVICE, MARGIN_S * 1_000);
    expect(await second.feed()).toMatchObject({ ok: false, error: { code: "watchdog.unavailable" } });
    await second.close();
    expect(await watchdog.feed()).toEqual(FED);
  });

  test("a short margin is lengthened in the kernel", async () => {
    const own = new LinuxWatchdog(DEVICE, watchdogTimeoutMs(machineFiles()));
    expect(own.timeoutMs).toBe(MARGIN_S * 1_000);
    expect(await own.feed()).toEqual(FED);
    expect([own.timeoutMs, watchdogTimeoutMs(machineFiles())]).toEqual([WANTED_TIMEOUT_MS, WANTED_TIMEOUT_MS]);
    await own.close();
  });

  test("a device that is missing is unavailable, and nothing is made in its place", async () => {
    const missing = new LinuxWatchdog("/dev/watchdog7", MARGIN_S * 1_000);
    expect(await missing.feed()).toMatchObject({ ok: false, error: { code: "watchdog.unavailable" } });
    expect(existsSync("/dev/watchdog7")).toBe(false);
  });
});
