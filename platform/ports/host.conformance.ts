import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClockControl, HostPower } from "./host.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface HostBench {
  readonly power: HostPower;
  readonly clock: ClockControl;
  readonly time: BenchTime;
  /** How often the machine went down so far. Absent on a real machine, which is not restarted for a test. */
  readonly wentDown?: () => number;
  close(): Promise<void>;
}

/** What every machine's power and clock must keep to. */
export function hostConformance(name: string, open: () => Promise<HostBench>, options: { readonly mayReboot: boolean }): void {
  describe(`HostPower and ClockControl: ${name}`, () => {
    let bench: HostBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    test("the boot id is long enough to be unique and stays the same within a boot", async () => {
      const first = await bench.time.settled(bench.power.bootId());
      expect(first).toMatch(/^[0-9a-f-]{32,36}$/);
      await bench.time.pass(20);
      expect(await bench.time.settled(bench.power.bootId())).toBe(first);
    });

    test("the clock's quality is one of three words, and the zone one that Intl knows", async () => {
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

    test("asking twice goes down once", async () => {
      await bench.power.reboot("first");
      await bench.power.reboot("second");
      await bench.time.pass(5_000);
      expect(bench.wentDown?.()).toBe(1);
    });
  });
}
