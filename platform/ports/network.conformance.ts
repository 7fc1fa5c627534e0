import { isIP } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NetworkControl } from "./host.ts";
import { reportSkipped, type BenchTime } from "./testing/bench.ts";

export interface NetworkBench {
  readonly network: NetworkControl;
  readonly time: BenchTime;
  /** Cuts or restores the link. Absent if the test run needs the link. */
  readonly setLink?: (up: boolean) => void;
  close(): Promise<void>;
}

/** The suite for every description of the machine's network. */
export function networkConformance(name: string, open: () => Promise<NetworkBench>, options: { readonly mayCut: boolean }): void {
  describe(`NetworkControl: ${name}`, () => {
    let bench: NetworkBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    const interfaces = async () => {
      const reading = await bench.time.settled(bench.network.interfaces());
      return reading.kind === "ok" ? reading.value : [];
    };

    test("interfaces have a name, well-formed addresses and counters; the loopback is left out", async () => {
      const list = await interfaces();
      expect(list.length).toBeGreaterThan(0);
      for (const entry of list) {
        expect(entry.name).not.toBe("lo");
        expect(entry.mac).toMatch(/^([0-9a-f]{2}(:[0-9a-f]{2})*)?$/);
        expect(entry.receivedBytes).toBeGreaterThanOrEqual(0);
        expect(entry.sentBytes).toBeGreaterThanOrEqual(0);
        for (const address of entry.addresses) {
          const [host, prefix] = address.split("/");
          expect(isIP(host ?? "")).toBeGreaterThan(0);
          expect(Number(prefix)).toBeGreaterThanOrEqual(0);
          expect(Number(prefix)).toBeLessThanOrEqual(128);
        }
      }
    });

    test("the gateway is an address or reported as unknown", async () => {
      const gateway = await bench.time.settled(bench.network.gateway());
      expect(gateway.kind === "ok" ? isIP(gateway.value) > 0 : gateway.kind).toSatisfy((seen) => seen === true || seen === "unknown");
    });

    if (!options.mayCut) {
      reportSkipped(`NetworkControl: ${name}: losing the link`, "this is the network the tests run on");
      return;
    }
    test("a lost link is noticed (no address, no gateway), and so is its return", async () => {
      let calls = 0;
      const undo = bench.network.onChange(() => calls++);
      bench.setLink?.(false);
      await bench.time.pass(50);
      expect(calls).toBe(1);
      expect((await interfaces()).map((entry) => [entry.up, entry.addresses])).toEqual([[false, []]]);
      expect(await bench.time.settled(bench.network.gateway())).toMatchObject({ kind: "unknown" });
      bench.setLink?.(true);
      await bench.time.pass(50);
      expect(calls).toBe(2);
      expect((await interfaces())[0]?.up).toBe(true);
      undo();
      bench.setLink?.(false);
      await bench.time.pass(50);
      expect(calls).toBe(2);
    });
  });
}
