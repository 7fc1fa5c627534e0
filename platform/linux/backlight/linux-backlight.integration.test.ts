import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { machineFiles } from "../machine-files.ts";
import { SystemTimers } from "../system-clock.ts";
import { backlightOpener, findBacklight } from "./linux-backlight.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "backlight-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A backlight in the form of the kernel's class. */
function add(name: string, files: Readonly<Record<string, string>>, device?: string): string {
  const folder = join(root, "sys/class/backlight", name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), `${text}\n`);
  if (device !== undefined) symlinkSync(`../../${device}`, join(folder, "device"));
  return folder;
}

const PANEL = { brightness: "128", actual_brightness: "127", max_brightness: "255", bl_power: "0", type: "raw" };
const find = (output?: string, connection?: string) => findBacklight(machineFiles(root), { output, connection });

async function open(connection?: string) {
  const opened = await backlightOpener({ files: machineFiles(root), root, timers: new SystemTimers() })(connection === undefined ? {} : { connection });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

describe("the kernel's backlight class", () => {
  test("is read and written in its own numbers", async () => {
    const folder = add("10-0045", PANEL);
    const backlight = await open();
    expect(await backlight.look()).toEqual({ ok: true, value: { level: 128, actual: 127, max: 255, isOn: true } });
    expect([await backlight.setLevel(9), await backlight.setPower(false)]).toMatchObject([{ ok: true }, { ok: true }]);
    expect(["brightness", "bl_power"].map((file) => Number.parseInt(readFileSync(join(folder, file), "utf8"), 10))).toEqual([9, 4]);
    expect(await backlight.look()).toMatchObject({ value: { level: 9, isOn: false } });
  });

  test("without a switch or a question to the hardware leaves both out", async () => {
    add("dim", { brightness: "3", max_brightness: "7" });
    expect(await (await open()).look()).toEqual({ ok: true, value: { level: 3, max: 7 } });
  });

  test.each([["", "backlight.failed"], ["-1", "backlight.failed"], ["many", "backlight.failed"]])("a level of '%s' is %s", async (brightness, code) => {
    add("odd", { ...PANEL, brightness });
    expect(await (await open()).look()).toMatchObject({ ok: false, error: { code } });
  });

  test("that is gone, or was never written, is no new file", async () => {
    const folder = add("gone", PANEL);
    const backlight = await open();
    rmSync(folder, { recursive: true });
    expect([await backlight.look(), await backlight.setLevel(1)]).toMatchObject([{ error: { code: "display.unplugged" } }, { error: { code: "display.unplugged" } }]);
  });

  if (process.getuid?.() === 0) reportLeftOut("a backlight without permission", "root may write every file");
  test.skipIf(process.getuid?.() === 0)("that may not be written names the remedy", async () => {
    const folder = add("closed", PANEL);
    chmodSync(join(folder, "brightness"), 0o444);
    expect(await (await open()).setLevel(1)).toMatchObject({ error: { code: "backlight.no-access", hint: expect.stringContaining("vitrine-displays.rules") as string } });
  });
});

describe("which backlight", () => {
  test("is that of the output, the one that is named, or the only one", () => {
    add("intel_backlight", PANEL, "card0-eDP-1");
    expect([find("eDP-1"), find(undefined, "intel_backlight"), find()]).toMatchObject([{ value: "intel_backlight" }, { value: "intel_backlight" }, { value: "intel_backlight" }]);
    expect([find("HDMI-A-1"), find(undefined, "other")]).toMatchObject([{ error: { code: "backlight.none", hint: "it has intel_backlight" } }, { error: { code: "backlight.none" } }]);
  });

  test("is the firmware's before the platform's before the driver's own, as the kernel advises", () => {
    add("a-raw", PANEL);
    add("b-firmware", { ...PANEL, type: "firmware" });
    add("c-platform", { ...PANEL, type: "platform" });
    expect(find()).toMatchObject({ value: "b-firmware" });
  });

  test("is not guessed among equals, and none at all is said so", () => {
    expect(find()).toMatchObject({ error: { code: "backlight.none", hint: "it has none at all" } });
    add("one", PANEL);
    expect(find("DSI-1")).toMatchObject({ value: "one" });
    add("two", PANEL);
    expect(find()).toMatchObject({ error: { code: "backlight.none", message: expect.stringContaining("one, two") as string } });
  });
});
