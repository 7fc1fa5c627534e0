import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock, SystemTimers } from "./linux/system-clock.ts";
import { SeededRandom } from "./simulated/seeded-random.ts";
import { reportSkipped } from "./ports/testing/bench.ts";
import { detect, openPlatform, type OpenPlatformOptions } from "./detect.ts";

if (process.platform !== "linux") reportSkipped("adapters opened on Linux hardware", `this machine runs ${process.platform}`);

describe("detect", () => {
  test.each([
    [{ system: "linux" }, "linux", ["the system is Linux"]],
    [
      { system: "linux", model: "Raspberry Pi 4 Model B Rev 1.4" },
      "raspberry-pi",
      ['/proc/device-tree/model is "Raspberry Pi 4 Model B Rev 1.4"'],
    ],
    [{ system: "linux", model: "Radxa ROCK 5B" }, "linux", ["the system is Linux"]],
    [
      { system: "linux", model: "Raspberry Pi 4 Model B Rev 1.4", asked: "simulated" as const },
      "simulated",
      ["the configuration asks for simulated"],
    ],
    [
      { system: "linux", model: "Raspberry Pi Zero 2 W", asked: "auto" as const },
      "raspberry-pi",
      ['/proc/device-tree/model is "Raspberry Pi Zero 2 W"'],
    ],
    [{ system: "linux", asked: "linux" as const }, "linux", ["the configuration asks for linux", "the system is Linux"]],
    [{ system: "darwin" }, "simulated", ["there is no adapter for darwin hardware"]],
  ])("%j", (facts, adapter, evidence) => {
    expect(detect(facts)).toEqual({ adapter, evidence });
  });
});

describe("openPlatform", () => {
  let folder: string;
  let options: OpenPlatformOptions;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-detect-"));
    options = { clock: systemClock, timers: new SystemTimers(), random: new SeededRandom("detect"), dataDir: folder };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("simulated: has every port, the world, and real figures if the machine has them", async () => {
    const opened = await openPlatform({ ...options, platform: "simulated" });
    expect(opened.adapter).toMatchObject({ name: "simulated", evidence: ["the configuration asks for simulated"] });
    for (const port of ["displays", "outputs", "gpio", "cec", "audio", "watchdog"] as const) expect(opened.adapter[port]).toBeDefined();
    expect(opened.world?.state.power.bootId).toBe(await opened.adapter.power.bootId());
    expect(await opened.adapter.probe.memory()).toMatchObject({ kind: "ok" });
    await opened.adapter.close();
    expect(options.timers.pending()).toEqual([]);
  });

  test("simulated: the hardware is unchanged after a restart, and in another boot after a reboot", async () => {
    const gone: string[] = [];
    const worldPath = join(folder, "world.json");
    const open = () => openPlatform({ ...options, platform: "simulated", worldPath, onMachineGone: (kind) => gone.push(kind) });
    const first = await open();
    const { bootId } = first.world?.state.power ?? {};
    first.world?.updateDisplay({ brightness: 13 });
    await first.adapter.close();
    const second = await open();
    expect(second.world?.state.display.brightness).toBe(13);
    expect(await second.adapter.power.bootId()).toBe(bootId);
    await second.adapter.power.reboot("test");
    // The process dies here, before the machine is down. Closing only cancels its timers.
    await second.adapter.close();
    const third = await open();
    expect(await third.adapter.power.bootId()).not.toBe(bootId);
    await third.adapter.close();
    expect(gone).toEqual([]);
  });

  test("configured displays replace those that the adapter finds; a wrong one does not stop the start", async () => {
    const displays = "name=lobby,driver=cec,output=HDMI-A-1;name=menu,driver=simulated,output=DP-7;name=yard,driver=simulated";
    const { adapter } = await openPlatform({ ...options, platform: "simulated", displays });
    expect(adapter.displays).toMatchObject([{ name: "lobby", driver: "cec", output: "HDMI-A-1" }, { name: "menu" }, { name: "yard" }]);
    expect(adapter.issues?.()).toMatchObject([{ code: "display.no-such-output", hint: "one of HDMI-A-1, HDMI-A-2" }]);
    expect(await adapter.displays?.[0]?.display.status()).toMatchObject({ power: { kind: "ok", value: "on" }, brightness: { kind: "ok" } });
    await adapter.close();
  });

  test.runIf(process.platform === "linux")("a Linux machine without HDMI-CEC reports that for a display that needs it", async () => {
    const { adapter } = await openPlatform({ ...options, root: folder, platform: "linux", displays: "name=lobby,driver=cec" });
    expect(adapter.issues?.()).toMatchObject([{ code: "display.driver-unavailable" }]);
    await adapter.close();
  });

  test.runIf(process.platform === "linux")("a Linux machine whose lines are configured without their chip says so", async () => {
    const { adapter } = await openPlatform({ ...options, root: folder, platform: "linux", gpioLines: "line=PIN11,name=relay" });
    expect(adapter.issues?.()).toMatchObject([{ code: "gpio.config-malformed", hint: expect.stringContaining("gpio.chip") as string }]);
    await adapter.close();
  });

  test("simulated: a damaged world file is reported", async () => {
    const worldPath = join(folder, "world.json");
    writeFileSync(worldPath, "{");
    const opened = await openPlatform({ ...options, platform: "simulated", worldPath });
    expect(opened.damage).toMatchObject({ code: "simulated.world-damaged" });
    await opened.adapter.close();
  });

  test.runIf(process.platform === "linux")("a Raspberry Pi is recognised, and its health says why it has no GPIO", async () => {
    mkdirSync(join(folder, "proc/device-tree"), { recursive: true });
    writeFileSync(join(folder, "proc/device-tree/model"), "Raspberry Pi 4 Model B Rev 1.4\u0000");
    const { adapter, world } = await openPlatform({ ...options, root: folder });
    expect(adapter.evidence[0]).toBe('/proc/device-tree/model is "Raspberry Pi 4 Model B Rev 1.4"');
    expect(adapter.name).toBe("raspberry-pi");
    expect(adapter.issues?.()).toMatchObject([{ code: "gpio.io", message: "no GPIO chip is called pinctrl-rp1 or pinctrl-bcm2711 or pinctrl-bcm2835; there is none" }]);
    expect([adapter.gpio, adapter.cec, adapter.displays, world]).toEqual([undefined, undefined, undefined, undefined]);
    await adapter.close();
  });
});
