/** The GPIO suite on the kernel's pinctrl-bcm2835, with debugfs as the independent observer. */
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { SystemTimers, systemClock } from "../../../platform/linux/system-clock.ts";
import { openGpio } from "../../../platform/linux/gpio/open-gpio.ts";
import type { LinuxGpio } from "../../../platform/linux/gpio/linux-gpio.ts";
import { gpioConformance } from "../../../platform/ports/gpio.conformance.ts";
import { realBenchTime } from "../../../platform/ports/testing/bench.ts";
import { HEADER_LINES } from "../../../platform/ports/gpio-header.ts";
import { HEADER_CHIPS } from "../../../platform/raspberry-pi/header.ts";

const DEBUG = "/sys/kernel/debug/pinctrl";
/** This program started again, to drive a line and be killed. */
if (process.env["HOLD_A_LINE"] !== undefined) {
  const gpio = await open();
  await gpio.write("GPIO5", 1);
  console.log("HELD");
  await new Promise<never>(() => setInterval(() => {}, 60_000));
}

/** Held by the kernel's own tool for as long as the suites run. */
const HELD = 22;
const holder = spawn("gpioset", ["--mode=signal", "gpiochip0", `${HELD}=0`], { stdio: "inherit" });
afterAll(() => void holder.kill("SIGKILL"));

interface Pin {
  readonly direction: "in" | "out" | "other";
  readonly level: 0 | 1;
}

/** Function and level of a pin as the pin controller's own registers say. */
function pin(offset: number): Pin {
  const lines = readdirSync(DEBUG, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap(({ name }) => readFileSync(join(DEBUG, name, "pins"), "utf8").split("\n"));
  const [, use = "", level = ""] = /function (\S+) in (hi|lo)/.exec(lines.find((line) => line.startsWith(`pin ${offset} (`) && line.includes("function")) ?? "") ?? [];
  return { direction: use === "gpio_out" ? "out" : use === "gpio_in" ? "in" : "other", level: level === "hi" ? 1 : 0 };
}

async function open(configured = ""): Promise<LinuxGpio> {
  const opened = await openGpio({ devDir: "/dev", labels: HEADER_CHIPS, neverBlocks: true, lines: HEADER_LINES, configured, clock: systemClock, timers: new SystemTimers() });
  if (!opened.ok) throw new Error(opened.error.message);
  expect(opened.value.issues).toEqual([]);
  return opened.value.gpio;
}

gpioConformance(
  "the Raspberry Pi's header",
  async () => {
    const gpio = await open();
    for (const line of ["GPIO17", "GPIO27"]) await gpio.write(line, 0);
    return { gpio, time: realBenchTime(), freeLines: ["GPIO17", "GPIO27"], heldLine: `GPIO${HELD}`, close: () => gpio.close() };
  },
  { outside: false },
);

describe("the header as the pin controller sees it", () => {
  let gpio: LinuxGpio;
  beforeEach(async () => {
    gpio = await open("line=GPIO5,name=relay,active=low,safe=1;line=GPIO14,reserved=no");
  });
  afterEach(() => gpio.close());

  test("a write is on the pin, by name, header pin and BCM number", async () => {
    for (const [ref, level] of [["GPIO17", 1], ["PIN11", 0], ["BCM17", 1], [17, 0]] as const) {
      expect(await gpio.write(ref, level)).toEqual({ ok: true, value: level });
      expect(pin(17)).toEqual({ direction: "out", level });
    }
  });

  test("a pulse is on the pin while it lasts", async () => {
    await gpio.write("GPIO17", 0);
    const pulse = gpio.pulse("GPIO17", 1, 400);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(pin(17).level).toBe(1);
    expect((await pulse).ok).toBe(true);
    expect(pin(17).level).toBe(0);
  });

  test("the safe level is driven as soon as the header is open, through the line's polarity", async () => {
    expect(pin(5)).toEqual({ direction: "out", level: 0 });
    expect(await gpio.read("relay")).toEqual({ ok: true, value: 1 });
  });

  test("the serial port's pins are not claimed unless the configuration frees them, and their function stays", async () => {
    const before = pin(15);
    expect(await gpio.read("GPIO15")).toMatchObject({ ok: false, error: { code: "gpio.reserved" } });
    expect(await gpio.write("PIN10", 1)).toMatchObject({ ok: false, error: { code: "gpio.reserved" } });
    expect(pin(15)).toEqual(before);
    expect(await gpio.write("GPIO14", 1)).toEqual({ ok: true, value: 1 });
  });

  test("a held line's refusal names consumer and process", async () => {
    const refused = await gpio.write(`GPIO${HELD}`, 1);
    expect(refused).toMatchObject({ ok: false, error: { code: "gpio.busy" } });
    expect(refused.ok ? "" : refused.error.message).toContain("gpioset");
  });

  test("the kernel's tool finds our line taken, with our name", async () => {
    await gpio.write("GPIO17", 1);
    expect(execFileSync("gpioinfo", ["gpiochip0"], { encoding: "utf8" })).toMatch(/line\s+17:.*"vitrine"\s+output/);
    expect(() => execFileSync("gpioset", ["gpiochip0", "17=0"], { stdio: "pipe" })).toThrow(/busy/);
  });

  test("an open-drain line is told to the kernel", async () => {
    await gpio.close();
    gpio = await open("line=GPIO6,drive=open-drain");
    await gpio.write("GPIO6", 0);
    expect(execFileSync("gpioinfo", ["gpiochip0"], { encoding: "utf8" })).toMatch(/line\s+6:.*open-drain/);
  });

  test("an output is turned into a watched input without letting go of it, and back", async () => {
    await gpio.write("GPIO17", 1);
    const watching = await gpio.watch("GPIO17", { debounceMs: 5, pull: "up" }, () => {});
    expect([watching.ok, pin(17).direction]).toEqual([true, "in"]);
    if (watching.ok) watching.value();
    await gpio.write("GPIO17", 0);
    expect(pin(17)).toEqual({ direction: "out", level: 0 });
  });

  test("a relay of a killed agent is at its safe level as soon as the next one opens the header", async () => {
    await gpio.close();
    const [program = ""] = process.argv.slice(1);
    const child = spawn(process.execPath, [program], { env: { ...process.env, HOLD_A_LINE: "1" }, stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(pin(5)).toEqual({ direction: "out", level: 1 });
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    // The controller itself turns the outputs of a dead process into inputs.
    expect(pin(5).direction).toBe("in");
    gpio = await open("line=GPIO5,name=relay,active=low,safe=1");
    expect(pin(5)).toEqual({ direction: "out", level: 0 });
  });

  test("closing releases the lines, and the controller turns them into inputs", async () => {
    await gpio.write("GPIO17", 1);
    await gpio.close();
    expect(pin(17).direction).toBe("in");
    gpio = await open();
  });
});
