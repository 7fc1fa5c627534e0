import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportSkipped } from "../ports/testing/bench.ts";
import { SeededRandom } from "./seeded-random.ts";
import { VirtualTime } from "./virtual-time.ts";
import { openWorldFile } from "./world-file.ts";

describe("world file", () => {
  let folder: string;
  let path: string;
  const time = new VirtualTime();
  let opened = 0;
  const open = () => openWorldFile(path, { clock: time, timers: time, random: new SeededRandom(opened++) });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vitrine-world-"));
    path = join(folder, "deep", "world.json");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("keeps the world without a clean end", () => {
    const first = open();
    first.world.updateDisplay({ volume: 12 });
    first.world.setMood("lying");
    // No close: the process is killed here.
    const second = open();
    expect(second.damage).toBeUndefined();
    expect(second.world.state).toEqual(first.world.state);
    expect(second.world.state.display).toMatchObject({ volume: 12, mood: "lying" });
  });

  test("has a change on disk when the call returns, and leaves no temporary file", () => {
    const { world } = open();
    world.updateLine("GPIO17", { direction: "output", driven: 1 });
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(world.state);
    expect(readdirSync(join(folder, "deep"))).toEqual(["world.json"]);
  });

  test.each<[string, (file: string) => void]>([
    ["cut short", (file) => truncateSync(file, 100)],
    ["empty", (file) => truncateSync(file, 0)],
    ["not JSON", (file) => writeFileSync(file, "\u0000\u0001")],
    ["of another shape", (file) => writeFileSync(file, '{"version":2}')],
    ["far too large", (file) => writeFileSync(file, " ".repeat(1_048_577))],
  ])("is moved aside if it is %s, and the fresh world reports it", (_what, damage) => {
    const before = open().world.state;
    damage(path);
    const { world, damage: issue } = open();
    expect(issue).toMatchObject({ code: "simulated.world-damaged" });
    expect(world.state.serial).not.toBe(before.serial);
    expect(readdirSync(join(folder, "deep")).filter((name) => name.startsWith("world.json.damaged-"))).toHaveLength(1);
    expect(open().damage).toBeUndefined();
  });

  test("completes a pending reboot at the next start after the process died", () => {
    const first = open();
    const { bootId } = first.world.state.power;
    first.world.update({ power: { ...first.world.state.power, pending: "shutdown" } });
    expect(open().world.state.power.bootId).not.toBe(bootId);
  });

  test("counts failed writes to a read-only folder, and the world continues", () => {
    const file = open();
    rmSync(join(folder, "deep"), { recursive: true });
    file.world.updateDisplay({ volume: 1 });
    file.world.updateDisplay({ volume: 2 });
    expect(file.world.state.display.volume).toBe(2);
    expect(file.writeFailures()).toMatchObject({ count: 2, lastError: expect.stringContaining("ENOENT") as string });
  });

  test("does not stop the start if it cannot be read", () => {
    open();
    chmodSync(path, 0o000);
    const readable = process.getuid?.() === 0;
    if (readable) reportSkipped("world file: an unreadable file", "root reads everything; run the tests as another user for this one");
    const { damage } = open();
    expect(damage?.code).toBe(readable ? undefined : "simulated.world-damaged");
    expect(existsSync(path)).toBe(true);
  });

  test("keeps what a process did to the hardware even if it is killed right after", () => {
    const here = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
    const script = `
      import { VirtualTime } from ${here("./virtual-time.ts")};
      import { SeededRandom } from ${here("./seeded-random.ts")};
      import { openWorldFile } from ${here("./world-file.ts")};
      import { createSimulatedAdapter } from ${here("./simulated-adapter.ts")};
      const time = new VirtualTime();
      const { world } = openWorldFile(process.argv[1], { clock: time, timers: time, random: new SeededRandom(1) });
      const adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone() {} });
      const written = await adapter.gpio.write("GPIO17", 1);
      if (written.ok) process.kill(process.pid, "SIGKILL");
    `;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", script, path], { timeout: 20_000, encoding: "utf8" });
    expect([child.signal, child.stderr]).toEqual(["SIGKILL", ""]);
    expect(open().world.state.gpio.lines["GPIO17"]).toMatchObject({ direction: "output", driven: 1 });
  });

  test("after close the file is left alone", () => {
    const file = open();
    file.close();
    const before = readFileSync(path, "utf8");
    file.world.updateDisplay({ volume: 99 });
    expect(readFileSync(path, "utf8")).toBe(before);
  });
});
