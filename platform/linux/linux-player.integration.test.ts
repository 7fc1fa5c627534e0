import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLinuxPlayer, type LinuxPlayerDeps } from "./linux-player.ts";
import { systemClock, SystemTimers } from "./system-clock.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vitrine-player-"));
  for (const folder of ["dev", "proc", "sys/class", "etc"]) mkdirSync(join(root, folder), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Opens the machine below `root`, where GPIO and HDMI-CEC are wanted. */
const open = (more: Partial<LinuxPlayerDeps> = {}) =>
  createLinuxPlayer({
    clock: systemClock, timers: new SystemTimers(), dataDir: root, evidence: ["test"], root, cec: true,
    gpio: { labels: ["pinctrl-bcm2835"], neverBlocks: true, lines: [], configured: "" },
    ...more,
  });

test("a machine without a GPIO chip and without HDMI-CEC starts without these ports, and says what it looked for", async () => {
  const adapter = await open();
  expect([adapter.gpio, adapter.cec, adapter.displays]).toEqual([undefined, undefined, undefined]);
  expect(adapter.issues?.()).toMatchObject([{ code: "gpio.io", message: expect.stringContaining("pinctrl-bcm2835") as string }]);
  await adapter.close();
});

test("an HDMI-CEC adapter that does not start is reported and kept, with its TV as the display", async () => {
  // The kernel refuses every call on it, as it does without the right to use the adapter.
  writeFileSync(join(root, "dev/cec0"), "");
  const adapter = await open();
  expect(adapter.issues?.().map(({ code }) => code)).toEqual(["gpio.io", "cec.no-access"]);
  expect(adapter.displays).toMatchObject([{ name: "main", driver: "cec" }]);
  expect(await adapter.displays?.[0]?.display.set("power", "standby")).toMatchObject({ attempted: false, error: { code: "cec.no-access" } });
  await adapter.close();
});

test("with a compositor, the TV is switched over HDMI-CEC and turned by the output", async () => {
  writeFileSync(join(root, "dev/cec0"), "");
  const adapter = await open({ compositorSocket: "/nonexistent/wayland-0" });
  expect(adapter.displays).toMatchObject([{ name: "main", driver: "cec+output" }]);
  const [tv] = adapter.displays ?? [];
  expect(await tv?.display.set("power", "standby")).toMatchObject({ attempted: false, error: { code: "cec.no-access" } });
  expect(await tv?.display.set("orientation", 90)).toMatchObject({ attempted: false, error: { code: "compositor.gone" } });
  await adapter.close();
});

test("neither is opened where it is not wanted", async () => {
  writeFileSync(join(root, "dev/cec0"), "");
  const adapter = await createLinuxPlayer({ clock: systemClock, timers: new SystemTimers(), dataDir: root, evidence: ["test"], root, cec: false });
  expect([adapter.cec, adapter.gpio, adapter.issues?.()]).toEqual([undefined, undefined, []]);
  await adapter.close();
});
