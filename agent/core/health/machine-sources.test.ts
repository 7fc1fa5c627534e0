import { describe, expect, test } from "vitest";
import type { FileSystemErrors, StorageHealth } from "../../../platform/ports/machine-facts.ts";
import { failed, seen, unknown, UNSUPPORTED, type Reading } from "../../../platform/ports/reading.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import type { HealthSource } from "./health-source.ts";
import { fileSystemSource, ioPressureSource, memoryPressureSource, storageTrialSource, throttlingSource, undervoltageSource, wearSource } from "./machine-sources.ts";
import { FIRST_TRIAL_MS, StorageTrials, TRIAL_AGAIN_MS, TRIAL_EVERY_MS } from "./storage-trials.ts";

function setUp() {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("machine") });
  const { probe } = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => undefined });
  return { time, world, probe };
}

/** The codes of the next looks. */
async function codes(source: HealthSource, looks: number): Promise<readonly (string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for (let i = 0; i < looks; i++) found.push((await source.look())?.code);
  return found;
}

describe("the machine's condition as health", () => {
  test("undervoltage is an issue after three readings of ten, and over after ten minutes without", async () => {
    const { world, probe } = setUp();
    const source = undervoltageSource(probe);
    const supply = (undervoltage: boolean) => world.apply({ action: "supply.set", params: { undervoltage } });
    expect(await codes(source, 3)).toEqual([undefined, undefined, undefined]);
    for (const expected of [undefined, undefined, "supply.undervoltage"]) {
      supply(true);
      expect(await codes(source, 1)).toEqual([expected]);
      supply(false);
      await codes(source, 1);
    }
    expect(await codes(source, 18)).toEqual(Array.from({ length: 18 }, () => "supply.undervoltage"));
    expect(await codes(source, 1)).toEqual([undefined]);
  });

  test("a machine that cannot tell raises nothing, and what was found stays while nothing can be read", async () => {
    const readings: Reading<boolean>[] = [UNSUPPORTED, unknown("x"), seen(true, 0), seen(true, 0), seen(true, 0), failed({ code: "firmware.no-answer", message: "x" })];
    const source = undervoltageSource({ undervoltage: () => Promise.resolve(readings.shift() ?? UNSUPPORTED) });
    expect(await codes(source, 7)).toEqual([undefined, undefined, undefined, undefined, "supply.undervoltage", "supply.undervoltage", "supply.undervoltage"]);
  });

  test("throttling and pressure are issues only when they last", async () => {
    const { world, probe } = setUp();
    world.apply({ action: "supply.set", params: { undervoltage: false, throttled: true } });
    world.apply({ action: "pressure.set", params: { memoryPercent: 30, ioPercent: 90 } });
    for (const [source, code] of [[throttlingSource(probe), "cpu.throttled"], [memoryPressureSource(probe), "pressure.memory"], [ioPressureSource(probe), "pressure.io"]] as const) {
      expect(await codes(source, 4)).toEqual([undefined, undefined, undefined, code]);
    }
  });

  test("errors of a file system are an issue on the second look, and the message does not change with every error", async () => {
    const { world, probe } = setUp();
    const source = fileSystemSource(probe);
    world.apply({ action: "card.errors", params: { count: 3 } });
    expect(await codes(source, 2)).toEqual([undefined, "disk.errors"]);
    const few = await source.look();
    world.apply({ action: "card.errors", params: { count: 2 } });
    expect(await source.look()).toEqual(few);
    world.apply({ action: "card.errors", params: { count: 700 } });
    expect((await source.look())?.message).toContain("100 or more");
    world.apply({ action: "card.replace" });
    expect(await codes(source, 2)).toEqual(["disk.errors", undefined]);
  });

  test.each([
    [90, "normal", undefined],
    [100, "normal", "more than 90 % of its rated life"],
    [110, "urgent", "more than 90 % of its rated life and has used more than 90 % of its blocks"],
    [20, "warning", "more than 80 % of its blocks"],
  ] as const)("a card with %d %% used and a reserve that is %s: %s", async (lifeUsedPercent, reserve, says) => {
    const { world, probe } = setUp();
    world.apply({ action: "card.wear", params: { lifeUsedPercent, reserve } });
    const source = wearSource(probe);
    await source.look();
    const issue = await source.look();
    expect(issue?.code).toBe(says === undefined ? undefined : "disk.worn");
    expect(issue?.message ?? "").toContain(says ?? "");
  });

  test("an SD card, which does not estimate its life, is not worn", async () => {
    const storage = { lifeUsedPercent: UNSUPPORTED, reserve: UNSUPPORTED, fileSystems: seen<readonly FileSystemErrors[]>([], 0) } as unknown as StorageHealth;
    expect(await codes(wearSource({ storage: () => Promise.resolve(storage) }), 3)).toEqual([undefined, undefined, undefined]);
  });
});

describe("trials of the storage", () => {
  test.each([
    ["slow", "disk.slow"],
    ["hangs", "disk.hangs"],
    ["wrong-data", "disk.wrong-data"],
    ["unwritable", "disk.unwritable"],
  ] as const)("a card that is %s is an issue after two trials, and well after a good one", async (mood, code) => {
    const { time, world, probe } = setUp();
    const trials = new StorageTrials(probe, time);
    const source = storageTrialSource(trials);
    const stop = new AbortController();
    const running = trials.run(stop.signal);
    await time.advance(FIRST_TRIAL_MS + 1_000);
    expect([trials.newest()?.kind, source.look()]).toEqual(["ok", undefined]);
    world.apply({ action: "card.mood", params: { mood } });
    await time.advance(TRIAL_EVERY_MS + 31_000);
    expect(source.look()).toBeUndefined();
    await time.advance(TRIAL_AGAIN_MS + 31_000);
    expect(source.look()).toMatchObject({ code });
    world.apply({ action: "card.mood", params: { mood: "normal" } });
    await time.advance(TRIAL_AGAIN_MS + 31_000);
    expect(source.look()).toBeUndefined();
    stop.abort();
    await running;
    expect(time.pending()).toEqual([]);
  });

  test("a day costs 24 blocks on a healthy card", async () => {
    const { time, probe } = setUp();
    let count = 0;
    const trials = new StorageTrials({ tryStorage: () => ((count += 1), probe.tryStorage()) }, time);
    void trials.run(new AbortController().signal);
    await time.advance(24 * 3_600_000);
    expect(count).toBe(24);
  });
});
