import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ObservedDisplay } from "../../platform/displays/observed-display.ts";
import { OutputDriver } from "../../platform/displays/output/output-driver.ts";
import { systemClock, SystemTimers } from "../../platform/linux/system-clock.ts";
import { compositorConformance, type CompositorBench } from "../../platform/ports/compositor.conformance.ts";
import { realBenchTime } from "../../platform/ports/testing/bench.ts";
import type { Result } from "../../platform/ports/result.ts";
import { crc32 } from "../../platform/runtime/crc32.ts";
import { decodePng } from "../../player-host/shells/cdp/tiny-png.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { compositorRoot } from "./compositor-root.ts";
import { CompositorSession, type SessionOptions } from "./testing/compositor-session.ts";

const root = process.getuid?.() === 0 ? compositorRoot() : undefined;
if (root === undefined) reportLeftOut("the real compositors labwc, sway and cage", "their Debian 13 has not been made; as root on Debian, npm test makes it");

// A busy machine starts programs slowly.
const PATIENCE = { timeout: 30_000 };
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

function session(command: readonly string[], options: Partial<SessionOptions> = {}): CompositorSession {
  return new CompositorSession({ root: root ?? "", command, ...options });
}

async function bench(command: readonly string[], options: Partial<SessionOptions> = {}, hotPlug?: (session: CompositorSession) => Pick<CompositorBench, "plug" | "unplug">): Promise<CompositorBench> {
  const opened = session(command, options);
  await opened.start();
  return {
    compositor: opened.compositor,
    time: realBenchTime(),
    output: "HEADLESS-1",
    ...hotPlug?.(opened),
    stop: () => opened.stop(),
    start: () => opened.start(),
    close: () => opened.close(),
  };
}

function done<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

const names = async ({ compositor }: CompositorSession): Promise<readonly string[]> => done(await compositor.outputs()).map(({ name }) => name);

/** The name that joins the outputs after `change`. */
async function joining(opened: CompositorSession, change: () => Promise<Result<unknown>>): Promise<string> {
  const before = await names(opened);
  done(await change());
  let added: string | undefined;
  await expect.poll(async () => (added = (await names(opened)).find((name) => !before.includes(name))), PATIENCE).toBeDefined();
  return added ?? "";
}

async function leaving(opened: CompositorSession, name: string, change: () => Promise<Result<unknown>>): Promise<void> {
  done(await change());
  await expect.poll(() => names(opened), PATIENCE).not.toContain(name);
}

describe.skipIf(root === undefined)("real compositors", () => {
  const labwc = () => bench(["labwc"], {}, (opened) => ({
    plug: () => joining(opened, () => opened.run("wtype", ["-k", "F1"])),
    unplug: () => leaving(opened, "ADDED-1", () => opened.run("wtype", ["-k", "F2"])),
  }));
  const sway = () => bench(["sway"], { socket: "wayland-1" }, (opened) => ({
    plug: () => joining(opened, () => opened.run("swaymsg", ["create_output"])),
    unplug: () => leaving(opened, "HEADLESS-2", () => opened.run("swaymsg", ["output HEADLESS-2 unplug"])),
  }));
  compositorConformance("labwc of Debian 13", labwc, { power: true, hotPlug: true, modes: "any" });
  compositorConformance("sway of Debian 13", sway, { power: true, hotPlug: true, modes: "any" });
  compositorConformance("cage of Debian 13", () => bench(["cage", "--", "sleep", "600"]), { power: false, hotPlug: false, modes: "any" });

  describe("labwc", () => {
    let opened: CompositorSession | undefined;
    afterEach(() => opened?.close());

    test("a capture shows what is on the screen", async () => {
      const shown = (opened = session(["labwc", "-s", "sh -c 'exec swaybg -m stretch -i $HOME/top.png'"]));
      await shown.file("top.png", topRedPng());
      await shown.start();
      await expect.poll(() => edgeColours(shown), PATIENCE).toEqual(["red", "blue", "blue", "blue"]);
    });

    test("it starts without a keyboard and a mouse, with the variables of the player's unit", async () => {
      const unit = readFileSync(join(import.meta.dirname, "../systemd/vitrine-player.service"), "utf8");
      const ofTheUnit = [...unit.matchAll(/^Environment=(WLR_\S+)$/gm)].map(([, variable = ""]) => variable);
      opened = session(["env", "-u", "WLR_LIBINPUT_NO_DEVICES", "WLR_BACKENDS=headless,libinput", "LIBSEAT_BACKEND=noop", ...ofTheUnit, "labwc"]);
      await opened.start();
      expect(await names(opened)).toEqual(["HEADLESS-1"]);
    });

    test("the power of one of two outputs leaves the other alone, and a capture of all is then one of the other", async () => {
      opened = session(["WLR_HEADLESS_OUTPUTS=2", "labwc"]);
      await opened.start();
      await expect.poll(() => names(opened as CompositorSession), PATIENCE).toEqual(["HEADLESS-1", "HEADLESS-2"]);
      const { compositor } = opened;
      expect(done(await compositor.capture()).source).toBe("compositor");
      done(await compositor.setPower("HEADLESS-1", "off"));
      done(await compositor.setOrientation("HEADLESS-2", 90));
      expect(done(await compositor.outputs())).toMatchObject([{ power: { value: "off" }, orientation: { value: 0 } }, { power: { value: "on" }, orientation: { value: 90 } }]);
      expect(await compositor.capture("HEADLESS-1")).toMatchObject({ ok: false, error: { code: "compositor.output-off" } });
      expect(done(await compositor.capture()).source).toBe("compositor HEADLESS-2");
    });

    test("of two outputs that are off, each is switched on, turned and given a mode without the other, and neither is lost", async () => {
      opened = session(["WLR_HEADLESS_OUTPUTS=2", "labwc"]);
      await opened.start();
      await expect.poll(() => names(opened as CompositorSession), PATIENCE).toEqual(["HEADLESS-1", "HEADLESS-2"]);
      const { compositor } = opened;
      const [first, second] = ["HEADLESS-1", "HEADLESS-2"] as const;
      const mode = { width: 1_024, height: 768, refreshHz: 50 };
      done(await compositor.setOrientation(first, 90));
      for (const name of [first, second]) done(await compositor.setPower(name, "off"));
      done(await compositor.setPower(second, "on"));
      const dark = { enabled: true, power: { value: "off" }, orientation: { value: 90 }, mode: { value: { width: 1_280, height: 720 } } };
      expect(done(await compositor.outputs())).toMatchObject([dark, { enabled: true, power: { value: "on" } }]);
      done(await compositor.setMode(second, mode));
      expect(done(await compositor.outputs())).toMatchObject([dark, { enabled: true, power: { value: "on" }, mode: { value: mode } }]);
      done(await compositor.setOrientation(second, 180));
      expect(done(await compositor.outputs())).toMatchObject([dark, { enabled: true, power: { value: "on" }, orientation: { value: 180 } }]);
      done(await compositor.setPower(first, "on"));
      expect(done(await compositor.outputs())).toMatchObject([{ ...dark, power: { value: "on" } }, { enabled: true, power: { value: "on" }, orientation: { value: 180 }, mode: { value: mode } }]);
      done(await compositor.capture(first));
    });

    test("an output that somebody disabled is told apart from one that is off, and nothing enables it", async () => {
      opened = session(["WLR_HEADLESS_OUTPUTS=2", "labwc"]);
      await opened.start();
      await expect.poll(() => names(opened as CompositorSession), PATIENCE).toHaveLength(2);
      const { compositor } = opened;
      done(await opened.run("wlr-randr", ["--output", "HEADLESS-2", "--off"]));
      expect(done(await compositor.outputs())).toMatchObject([{ enabled: true, power: { value: "on" } }, { enabled: false, power: { kind: "unknown" }, mode: { kind: "unknown" } }]);
      const disabled = { ok: false, error: { code: "compositor.output-disabled" } };
      expect(await compositor.setPower("HEADLESS-2", "on")).toMatchObject(disabled);
      expect(await compositor.capture("HEADLESS-2")).toMatchObject(disabled);
      done(await compositor.setOrientation("HEADLESS-1", 180));
      expect(done(await compositor.outputs())).toMatchObject([{ orientation: { value: 180 } }, { enabled: false }]);
    });

    test("a display's mode and orientation keep each other, scale and position, and leave the other output and its darkness alone", async () => {
      opened = session(["WLR_HEADLESS_OUTPUTS=2", "labwc"]);
      await opened.start();
      const { compositor } = opened;
      const run = opened.run.bind(opened);
      await expect.poll(() => names(opened as CompositorSession), PATIENCE).toHaveLength(2);
      done(await run("wlr-randr", ["--output", "HEADLESS-2", "--pos", "300,900", "--scale", "2"]));
      const placed = async (): Promise<unknown> => (JSON.parse(Buffer.from(done(await run("wlr-randr", ["--json"]))).toString()) as readonly { name: string }[]).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const display = new ObservedDisplay(new OutputDriver(compositor, "HEADLESS-2"), { clock: systemClock, timers: new SystemTimers() });
      expect(await display.set("mode", "1024x768@50")).toMatchObject({ acknowledged: true, observed: { value: "1024x768@50" } });
      expect(await display.set("orientation", 90)).toMatchObject({ acknowledged: true, observed: { value: 90 } });
      expect(await display.set("power", "standby")).toMatchObject({ observed: { value: "standby" } });
      expect(await display.set("mode", "1600x900@59.94")).toMatchObject({ acknowledged: true, observed: { value: "1600x900@59.94" } });
      expect(done(await compositor.outputs())).toMatchObject([{ power: { value: "on" } }, { power: { value: "off" } }]);
      expect(await display.set("power", "on")).toMatchObject({ observed: { value: "on" } });
      done(await compositor.setPower("HEADLESS-1", "off"));
      expect(await display.set("mode", "1024x768")).toMatchObject({ observed: { value: "1024x768@59.94" } });
      expect(await display.set("mode", "9000x900")).toMatchObject({ attempted: false, error: { code: "display.no-such-mode" } });
      expect(await placed()).toMatchObject([
        { name: "HEADLESS-1", enabled: true, transform: "normal", scale: 1 },
        { name: "HEADLESS-2", enabled: true, transform: "270", scale: 2, position: { x: 300, y: 900 } },
      ]);
      expect(done(await compositor.outputs())).toMatchObject([{ power: { value: "off" } }, { power: { value: "on" }, orientation: { value: 90 }, mode: { value: { width: 1_024, height: 768 } } }]);
    });

    test("it ends with the program that started it, also when that was killed", async () => {
      opened = session(["labwc"]);
      await opened.start();
      opened.kill();
      await expect.poll(async () => (await (opened as CompositorSession).compositor.outputs()).ok, PATIENCE).toBe(false);
    });

    test("killed in the middle of a call, it is gone within that call", async () => {
      opened = session(["labwc"]);
      await opened.start();
      opened.signal("SIGSTOP");
      const asked = opened.compositor.outputs();
      await new Promise((resolve) => setImmediate(resolve));
      await opened.stop();
      expect(await asked).toMatchObject({ ok: false, error: { code: "compositor.gone" } });
    });

    test("frozen, it is told as not answering, and reached again when it goes on", async () => {
      opened = session(["labwc"]);
      await opened.start();
      opened.signal("SIGSTOP");
      expect(await opened.compositor.setPower("HEADLESS-1", "off")).toMatchObject({ ok: false, error: { code: "compositor.timed-out" } });
      opened.signal("SIGCONT");
      expect(await opened.compositor.setPower("HEADLESS-1", "on")).toEqual({ ok: true });
    });
  });

  test("90 degrees turn the picture clockwise on the glass", async () => {
    // The outer compositor's picture shows the inner one's output as its panel would get it.
    const outer = session(["cage", "--", "sh", "-c", "exec env WLR_BACKENDS=wayland labwc -s \"swaybg -m stretch -i $HOME/top.png\""]);
    await outer.file("top.png", topRedPng());
    const inner = new CompositorSession({ root: root ?? "", command: [], socket: "wayland-1", runtimeDir: outer.runtimeDir });
    try {
      await outer.start();
      let name = "";
      await expect.poll(async () => { const outputs = await inner.compositor.outputs(); return (name = outputs.ok ? (outputs.value[0]?.name ?? "") : ""); }, PATIENCE).not.toBe("");
      // Colours at the middle of the top, right, bottom and left edge.
      await expect.poll(() => edgeColours(outer), PATIENCE).toEqual(["red", "blue", "blue", "blue"]);
      for (const [degrees, edges] of [[90, ["blue", "red", "blue", "blue"]], [180, ["blue", "blue", "red", "blue"]], [270, ["blue", "blue", "blue", "red"]]] as const) {
        done(await inner.compositor.setOrientation(name, degrees));
        await expect.poll(() => edgeColours(outer), PATIENCE).toEqual(edges);
      }
    } finally {
      await outer.close();
    }
  });
});

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly colour: (x: number, y: number) => string;
}

async function picture(opened: CompositorSession): Promise<Picture> {
  const decoded = decodePng(done(await opened.compositor.capture()).png);
  if (!decoded.ok) throw new Error(decoded.error.message);
  const { width, height, rgba } = decoded.value;
  return { width, height, colour: (x, y) => Buffer.from(rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 3)).toString("hex") };
}

/** Named colours near the middle of each edge; anything else as hexadecimal digits. */
async function edgeColours(opened: CompositorSession): Promise<readonly string[]> {
  const { width, height, colour } = await picture(opened);
  const [right, bottom, x, y] = [width - 20, height - 20, width >> 1, height >> 1];
  const names: Readonly<Record<string, string>> = { ff0000: "red", "0000ff": "blue" };
  return [colour(x, 20), colour(right, y), colour(x, bottom), colour(20, y)].map((hex) => names[hex] ?? hex);
}

/** A blue PNG whose upper fifth is red. */
function topRedPng(): Uint8Array {
  const [width, height] = [320, 180];
  const row = (y: number): Buffer => Buffer.concat([Buffer.of(0), Buffer.concat(Array.from({ length: width }, () => (y < height / 5 ? Buffer.of(255, 0, 0) : Buffer.of(0, 0, 255))))]);
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  return Buffer.concat([Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.concat(Array.from({ length: height }, (_, y) => row(y))))), chunk("IEND", new Uint8Array())]);
}
