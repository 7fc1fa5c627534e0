import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { hostConformance } from "../ports/host.conformance.ts";
import { networkConformance } from "../ports/network.conformance.ts";
import { probeConformance } from "../ports/probe.conformance.ts";
import { realBenchTime, reportSkipped } from "../ports/testing/bench.ts";
import { runCommand } from "./command-runner.ts";
import { createLinuxAdapter } from "./linux-adapter.ts";
import { LinuxWatchdog, watchdogTimeoutMs } from "./linux-watchdog.ts";
import { machineFiles } from "./machine-files.ts";
import { systemClock, SystemTimers } from "./system-clock.ts";

// The machine that runs the tests. Nothing here changes it.
const open = () => createLinuxAdapter({ clock: systemClock, timers: new SystemTimers(), dataDir: tmpdir(), evidence: ["test"] });
const bench = async () => ({ ...(await open()), time: realBenchTime() });

if (process.platform === "linux") {
  probeConformance("linux (this machine)", bench);
  networkConformance("linux (this machine)", bench, { mayCut: false });
  hostConformance("linux (this machine)", bench, { mayReboot: false });
} else reportSkipped("the linux adapter on a real machine, and which ports it has", `this machine runs ${process.platform}`);

describe("this machine", () => {
  test.runIf(process.platform === "linux")("has only the ports for its hardware, and reports what it leaves out", async () => {
    const adapter = await open();
    for (const port of ["displays", "gpio", "cec"] as const) expect(adapter[port]).toBeUndefined();
    for (const port of ["audio", "outputs"] as const)
      if (adapter[port] === undefined) reportSkipped(`${port} on this machine`, "it has none");
    expect(adapter.watchdog).toBeUndefined();
    await adapter.close();
  });
});

describe("with a compositor configured that is not running", () => {
  test("the ports that need it are there and say that it is gone, and opening waits for nothing", async () => {
    const adapter = await createLinuxAdapter({ clock: systemClock, timers: new SystemTimers(), dataDir: tmpdir(), evidence: [], compositorSocket: "/nonexistent/wayland-0" });
    expect(await adapter.compositor?.outputs()).toMatchObject({ ok: false, error: { code: "compositor.gone" } });
    expect(await adapter.screenshot?.capture()).toMatchObject({ ok: false, error: { code: "compositor.gone" } });
    expect(adapter.displays).toMatchObject([{ name: "main", driver: "output" }]);
    expect(await adapter.displays?.[0]?.display.set("power", "standby")).toMatchObject({ attempted: false, error: { code: "compositor.gone" } });
    await adapter.close();
  });
});

describe("with a folder of the test", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-linux-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("machine files are read below their root, and a missing file differs from a refused one", () => {
    mkdirSync(join(folder, "proc/device-tree"), { recursive: true });
    writeFileSync(join(folder, "proc/device-tree/model"), "Raspberry Pi 5 Model B Rev 1.0\u0000");
    symlinkSync("/usr/share/zoneinfo/Europe/Madrid", join(folder, "localtime"));
    const files = machineFiles(folder);
    expect(files.text("proc/device-tree/model")).toEqual({ ok: true, value: "Raspberry Pi 5 Model B Rev 1.0" });
    expect(files.text("proc/nothing")).toMatchObject({ ok: false, error: { code: "file.missing" } });
    expect(files.text("proc/device-tree")).toMatchObject({ ok: false, error: { code: "file.unreadable" } });
    expect([files.names("proc"), files.names("nowhere")]).toEqual([["device-tree"], []]);
    expect([files.link("localtime"), files.link("proc")]).toEqual(["/usr/share/zoneinfo/Europe/Madrid", undefined]);
    expect([files.has("proc/device-tree/model"), files.has("proc/x")]).toEqual([true, false]);
  });

  test("the watchdog is opened by its first feeding and disarmed with a V", async () => {
    const device = join(folder, "watchdog");
    writeFileSync(device, "");
    const watchdog = new LinuxWatchdog(device, 60_000);
    await watchdog.close();
    expect(readFileSync(device, "utf8")).toBe("");
    expect(await watchdog.feed()).toEqual({ ok: true, value: undefined });
    expect(await watchdog.feed()).toEqual({ ok: true, value: undefined });
    await watchdog.close();
    expect(readFileSync(device, "utf8")).toBe("11V");
    expect(await new LinuxWatchdog(join(folder, "none", "watchdog"), 1).feed()).toMatchObject({
      ok: false,
      error: { code: "watchdog.unavailable" },
    });
    reportSkipped("the linux watchdog on a real device", "it would restart the machine the tests run on");
  });

  test("the watchdog's timeout comes from the kernel, or is the default", () => {
    expect(watchdogTimeoutMs(machineFiles(folder))).toBe(60_000);
    mkdirSync(join(folder, "sys/class/watchdog/watchdog0"), { recursive: true });
    writeFileSync(join(folder, "sys/class/watchdog/watchdog0/timeout"), "15\n");
    expect(watchdogTimeoutMs(machineFiles(folder))).toBe(15_000);
  });
});

describe("command runner", () => {
  const node = process.execPath;

  test("returns the output, in an untranslated language", async () => {
    vi.stubEnv("LANGUAGE", "de");
    expect(await runCommand(node, ["-p", "[process.env.LC_ALL, process.env.LANGUAGE].join()"], 20_000)).toEqual({ ok: true, value: "C.UTF-8,\n" });
    vi.unstubAllEnvs();
  });

  test("returns letters outside ASCII as they are", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vitrine-letters-"));
    writeFileSync(join(folder, "Büro 事務所"), "");
    // Prints "?" for whatever is not printable in its locale, as nmcli does.
    expect(await runCommand("ls", ["-q", folder], 20_000)).toEqual({ ok: true, value: "Büro 事務所\n" });
    rmSync(folder, { recursive: true });
  });

  test("passes arguments without a shell", async () => {
    expect(await runCommand(node, ["-p", "process.argv[1]", "$(id); `id`"], 20_000)).toEqual({ ok: true, value: "$(id); `id`\n" });
  });

  test("distinguishes a program that is missing, fails or hangs", async () => {
    expect(await runCommand("vitrine-no-such-program", [], 5_000)).toMatchObject({ ok: false, error: { code: "program.missing" } });
    expect(await runCommand(node, ["-e", "console.error('broken pipe'); process.exit(3)"], 20_000)).toMatchObject({
      ok: false,
      error: { code: "program.failed", message: expect.stringContaining("broken pipe") as string },
    });
    expect(await runCommand(node, ["-e", "setInterval(() => {}, 1000)"], 300)).toMatchObject({
      ok: false,
      error: { code: "program.timed-out" },
    });
  });
});
