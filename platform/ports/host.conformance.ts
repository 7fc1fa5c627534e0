import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClockControl, HostPower } from "./host.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface HostBench {
  readonly power: HostPower;
  readonly clock: ClockControl;
  readonly time: BenchTime;
  /** Number of times the machine went down. Absent on a real machine, which is not restarted for a test. */
  readonly wentDown?: () => number;
  close(): Promise<void>;
}

/** The suite for every machine's power and clock. */
export function hostConformance(name: string, open: () => Promise<HostBench>, options: { readonly mayReboot: boolean }): void {
  describe(`HostPower and ClockControl: ${name}`, () => {
    let bench: HostBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    test("has a boot id that is long enough to be unique and constant within a boot", async () => {
      const first = await bench.time.settled(bench.power.bootId());
      expect(first).toMatch(/^[0-9a-f-]{32,36}$/);
      await bench.time.pass(20);
      expect(await bench.time.settled(bench.power.bootId())).toBe(first);
    });

    test("has a clock quality of three words and a zone that Intl knows", async () => {
      expect(["unset", "local", "synced"]).toContain(await bench.time.settled(bench.clock.quality()));
      const zone = await bench.time.settled(bench.clock.timeZone());
      const name = zone.kind === "ok" ? zone.value : "not seen";
      expect(() => new Intl.DateTimeFormat("en", { timeZone: name })).not.toThrow();
    });

    if (!options.mayReboot) {
      reportSkipped(`HostPower: ${name}: reboot and shut-down`, "this is the machine the tests run on");
      return;
    }
    test.each(["reboot", "shutdown"] as const)(
      "%s: the request is taken, then the machine goes, and only then is it another boot",
      async (what) => {
        const before = await bench.time.settled(bench.power.bootId());
        expect(await bench.power[what]("conformance test")).toEqual({ ok: true, value: undefined });
        expect(await bench.power.bootId()).toBe(before);
        expect(bench.wentDown?.()).toBe(0);
        await bench.time.pass(5_000);
        expect(bench.wentDown?.()).toBe(1);
        expect(await bench.power.bootId()).not.toBe(before);
      },
    );

    test("goes down once for two requests", async () => {
      await bench.power.reboot("first");
      await bench.power.reboot("second");
      await bench.time.pass(5_000);
      expect(bench.wentDown?.()).toBe(1);
    });
  });
}
