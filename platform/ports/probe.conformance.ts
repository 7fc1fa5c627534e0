import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SystemProbe } from "./host.ts";
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
