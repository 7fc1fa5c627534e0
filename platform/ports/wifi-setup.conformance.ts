import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Result } from "./result.ts";
import type { BenchTime } from "./testing/bench.ts";
import type { WifiSetup } from "./wifi-setup.ts";

export interface WifiSetupBench {
  readonly setup: WifiSetup;
  readonly time: BenchTime;
  /** Name of a network in range; absent: the machine has no wireless adapter. */
  readonly inRange?: string;
  close(): Promise<void>;
}

/** The suite for every way to set up a machine's first wireless network. */
export function wifiSetupConformance(name: string, open: () => Promise<WifiSetupBench>): void {
  describe(`WifiSetup: ${name}`, () => {
    let bench: WifiSetupBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());
    const settled = <T>(work: Promise<T>): Promise<T> => bench.time.settled(work);
    const outcome = (result: Result<unknown>): string => (result.ok ? "ok" : result.error.code);
    const expected = (): string => (bench.inRange === undefined ? "network.not-supported" : "ok");

    test("networks in range have a name, a strength and a kind of access, each once", async () => {
      const seen = await settled(bench.setup.scan());
      expect(outcome(seen)).toBe(expected());
      const list = seen.ok ? seen.value : [];
      expect(list.map(({ ssid }) => ssid)).toEqual(expect.arrayContaining(bench.inRange === undefined ? [] : [bench.inRange]));
      for (const { ssid, ssidHex, signalPercent } of list) {
        expect(ssidHex).toMatch(/^(?:[0-9a-f]{2}){1,32}$/);
        expect([ssidHex, undefined]).toContain(ssid === undefined ? undefined : Buffer.from(ssid).toString("hex"));
        expect(signalPercent).toBeGreaterThanOrEqual(0);
        expect(signalPercent).toBeLessThanOrEqual(100);
      }
      expect(new Set(list.map(({ ssidHex, security }) => `${ssidHex} ${security}`)).size).toBe(list.length);
      const strengths = list.map(({ signalPercent }) => signalPercent);
      expect(strengths).toEqual(strengths.toSorted((a, b) => b - a));
    });

    test("the access point opens with an address, opens again, and is no uplink; closing it twice does nothing more", async () => {
      const before = await settled(bench.setup.uplinks());
      for (let time = 0; time < 2; time += 1) {
        const opened = await settled(bench.setup.openAccessPoint({ ssid: "Set up: ä", password: "set-up password" }));
        expect(outcome(opened)).toBe(expected());
        expect(opened.ok ? opened.value.address : "10.42.0.1/24").toMatch(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
        expect(await settled(bench.setup.uplinks())).toEqual(before);
      }
      for (let time = 0; time < 2; time += 1) expect(await settled(bench.setup.closeAccessPoint())).toEqual({ ok: true, value: undefined });
      expect(await settled(bench.setup.uplinks())).toEqual(before);
    });
  });
}
