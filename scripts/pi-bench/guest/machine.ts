/** The suites of probe, power, clock, network and watchdog on the machine itself, and what its /proc says beside them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLinuxAdapter } from "../../../platform/linux/linux-adapter.ts";
import { LinuxWatchdog, watchdogTimeoutMs } from "../../../platform/linux/linux-watchdog.ts";
import { machineFiles } from "../../../platform/linux/machine-files.ts";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { hostConformance } from "../../../platform/ports/host.conformance.ts";
import { networkConformance } from "../../../platform/ports/network.conformance.ts";
import { probeConformance } from "../../../platform/ports/probe.conformance.ts";
import { realBenchTime } from "../../../platform/ports/testing/bench.ts";

const NAME = "Raspberry Pi (emulated)";
const open = () => createLinuxAdapter({ clock: systemClock, timers: new SystemTimers(), dataDir: "/var", evidence: [NAME] });
const bench = async () => ({ ...(await open()), time: realBenchTime() });

probeConformance(NAME, bench);
networkConformance(NAME, bench, { mayCut: false });
hostConformance(NAME, bench, { mayReboot: false });

describe("the machine as its kernel tells it", () => {
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
  const MARGIN_S = 20;
  const EXPIRED_MS_MAX = 180_000;
  let watchdog: LinuxWatchdog;

  beforeEach(() => {
    // Where it would reset the machine, it only says so in the kernel's log.
    execFileSync("modprobe", ["softdog", `soft_margin=${MARGIN_S}`, "soft_noboot=1"]);
    execFileSync("dmesg", ["--clear"]);
    watchdog = new LinuxWatchdog(DEVICE, watchdogTimeoutMs(machineFiles()));
  });
  afterEach(async () => {
    await watchdog.close();
    execFileSync("rmmod", ["softdog"]);
  });

  const expired = (): boolean => /softdog: (Triggered|Reboot ignored)/i.test(execFileSync("dmesg", { encoding: "utf8" }));
  const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  test("while it is fed it does not expire", async () => {
    for (const untilMs = performance.now() + (MARGIN_S + 10) * 1_000; performance.now() < untilMs; ) {
      expect(await watchdog.feed()).toEqual({ ok: true, value: undefined });
      await pass(1_000);
    }
    expect(expired()).toBe(false);
  });

  test("not fed any more, it expires", async () => {
    await watchdog.feed();
    for (let waitedMs = 0; !expired() && waitedMs < EXPIRED_MS_MAX; waitedMs += 1_000) await pass(1_000);
    expect(expired()).toBe(true);
  });

  test("closed in order, it is disarmed and does not expire", async () => {
    await watchdog.feed();
    await watchdog.close();
    await pass((MARGIN_S + 10) * 1_000);
    expect(expired()).toBe(false);
  });

  test("a device that another program feeds is refused, and that program's stays armed", async () => {
    await watchdog.feed();
    const second = new LinuxWatchdog(DEVICE, MARGIN_S * 1_000);
    expect(await second.feed()).toMatchObject({ ok: false, error: { code: "watchdog.unavailable" } });
    await second.close();
    expect(await watchdog.feed()).toEqual({ ok: true, value: undefined });
  });
});
