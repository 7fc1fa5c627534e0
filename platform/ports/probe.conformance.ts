import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SystemProbe } from "./host.ts";
import type { Stall } from "./machine-facts.ts";
import type { BenchTime } from "./testing/bench.ts";
import type { Reading } from "./reading.ts";
import { reportSkipped } from "./testing/bench.ts";

export interface ProbeBench {
  readonly probe: SystemProbe;
  readonly time: BenchTime;
  close(): Promise<void>;
}

/** The suite for every probe. Facts that the machine does not have may be missing, and are printed. */
export function probeConformance(name: string, open: () => Promise<ProbeBench>): void {
  describe(`SystemProbe: ${name}`, () => {
    let bench: ProbeBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    /** Checks a value; a reading without one must have a proper reason. */
    const check = <T>(what: string, reading: Reading<T>, holds: (value: T) => boolean): boolean => {
      if (reading.kind === "ok") return holds(reading.value) && Number.isFinite(reading.atMs);
      reportSkipped(`SystemProbe: ${name}: ${what}`, reading.kind === "unknown" ? reading.why : reading.kind);
      return reading.kind !== "unknown" || reading.why.length > 0;
    };

    test("every figure is plausible or reported as missing", async () => {
      const { probe, time } = bench;
      expect(
        check("cpu times", await time.settled(probe.cpuTimes()), ({ busyMs, totalMs }) => busyMs >= 0 && busyMs <= totalMs && totalMs > 0),
      ).toBe(true);
      expect(check("load", await time.settled(probe.load()), (load) => load >= 0 && load < 1_000)).toBe(true);
      expect(
        check(
          "memory",
          await time.settled(probe.memory()),
          (memory) => memory.availableBytes > 0 && memory.availableBytes <= memory.totalBytes,
        ),
      ).toBe(true);
      expect(
        check(
          "disk",
          await time.settled(probe.disk()),
          (disk) => disk.freeBytes >= 0 && disk.freeBytes <= disk.totalBytes && disk.totalBytes > 0,
        ),
      ).toBe(true);
      expect(check("temperature", await time.settled(probe.temperatureC()), (celsius) => celsius > -40 && celsius < 150)).toBe(true);
      expect(check("uptime", await time.settled(probe.uptimeMs()), (uptimeMs) => uptimeMs >= 0)).toBe(true);
    });

    test("facts about the machine's condition are plausible or reported as missing", async () => {
      const { probe, time } = bench;
      const percents = (stall: Stall): readonly number[] => [stall.some, stall.full].flatMap((share) => (share === undefined ? [] : [share.minutePercent, share.fiveMinutesPercent]));
      expect(check("undervoltage", await time.settled(probe.undervoltage()), (low) => typeof low === "boolean")).toBe(true);
      expect(check("throttling", await time.settled(probe.throttling()), (now) => Object.values(now).every((fact) => typeof fact === "boolean"))).toBe(true);
      expect(check("processor clock", await time.settled(probe.cpuClock()), ({ hz, maxHz }) => hz >= 1e6 && maxHz >= 1e6 && hz < 1e11)).toBe(true);
      expect(
        check("pressure", await time.settled(probe.pressure()), (pressure) =>
          [pressure.cpu, pressure.memory, pressure.io].flatMap(percents).every((percent) => percent >= 0 && percent <= 100),
        ),
      ).toBe(true);
    });

    test("the storage's facts are plausible or reported as missing, and no card is an empty text", async () => {
      const { device, card, lifeUsedPercent, reserve, fileSystems } = await bench.time.settled(bench.probe.storage());
      expect(check("disk of the data", device, (name) => /^[a-z][\w-]*$/.test(name))).toBe(true);
      expect(check("memory card", card, ({ kind, name, serial }) => (kind === "sd" || kind === "mmc") && name !== "" && serial !== "")).toBe(true);
      expect(check("used life", lifeUsedPercent, (percent) => percent >= 10 && percent <= 110 && percent % 10 === 0)).toBe(true);
      expect(check("reserve", reserve, (state) => ["normal", "warning", "urgent"].includes(state))).toBe(true);
      expect(
        check("file systems", fileSystems, (all) => all.length > 0 && all.every(({ name, count, firstMs = 0, lastMs = 0 }) => name !== "" && count >= 0 && firstMs <= lastMs)),
      ).toBe(true);
    });

    test("a block is written and read back, again and again", async () => {
      for (let i = 0; i < 3; i++) {
        const trial = await bench.time.settled(bench.probe.tryStorage());
        expect(trial).toMatchObject({ kind: "ok" });
        expect(check("storage trial", trial, ({ writeMs, readMs }) => writeMs >= 0 && readMs >= 0)).toBe(true);
      }
    });

    test("no fact of the inventory is an empty text or a zero", async () => {
      const inventory = await bench.time.settled(bench.probe.inventory());
      const empty = Object.entries(inventory).filter(
        ([, reading]: [string, Reading<unknown>]) => reading.kind === "ok" && (reading.value === "" || reading.value === 0),
      );
      expect(empty).toEqual([]);
      expect(Object.keys(inventory).sort()).toEqual(["architecture", "cpu", "cpuCores", "kernel", "memoryBytes", "model", "os", "serial"]);
    });

    test("counters never fall", async () => {
      const { probe, time } = bench;
      const samples: { busyMs: number; totalMs: number; uptimeMs: number }[] = [];
      for (let i = 0; i < 4; i++) {
        const cpu = await time.settled(probe.cpuTimes());
        const uptime = await time.settled(probe.uptimeMs());
        if (cpu.kind === "ok" && uptime.kind === "ok") samples.push({ ...cpu.value, uptimeMs: uptime.value });
        await time.pass(30);
      }
      expect(samples).toHaveLength(4);
      for (const key of ["busyMs", "totalMs", "uptimeMs"] as const) {
        const values = samples.map((sample) => sample[key]);
        expect(values).toEqual([...values].sort((a, b) => a - b));
      }
    });

    test("a second caller does not change what the first one reads", async () => {
      const { probe, time } = bench;
      const total = async (): Promise<number> => {
        const reading = await time.settled(probe.cpuTimes());
        return reading.kind === "ok" ? reading.value.totalMs : Number.NaN;
      };
      const first = await total();
      for (let i = 0; i < 5; i++) await total();
      await time.pass(100);
      // Times counted since the last call would be split between the callers.
      expect(await total()).toBeGreaterThan(first);
    });
  });
}
