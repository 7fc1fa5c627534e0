import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AddressSettings } from "../../agent/protocol/network-settings.ts";
import type { CurrentNetwork, NetworkChangeSettings, NetworkSettings } from "./network-settings.ts";
import type { BenchTime } from "./testing/bench.ts";

export interface NetworkSettingsBench {
  readonly settings: NetworkSettings;
  readonly time: BenchTime;
  /** An existing interface with a cable. */
  readonly wired: string;
  /** A wireless network that the machine can join, if it has an adapter. */
  readonly wifi?: NetworkChangeSettings["wifi"];
  /** Cuts the power and restores it. */
  boot?(): void | Promise<void>;
  close(): Promise<void>;
}

const STATIC: AddressSettings = { method: "static", address: "192.0.2.77/24", gateway: "192.0.2.1", dns: ["192.0.2.1", "192.0.2.2"] };
const OTHER: AddressSettings = { ...STATIC, address: "192.0.2.78/24" };

/** The suite for every way to set a machine's network. */
export function networkSettingsConformance(name: string, open: () => Promise<NetworkSettingsBench>): void {
  describe(`NetworkSettings: ${name}`, () => {
    let bench: NetworkSettingsBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    const settled = <T>(work: Promise<T>): Promise<T> => bench.time.settled(work);
    const current = async (): Promise<CurrentNetwork> => {
      const reading = await settled(bench.settings.current());
      if (reading.kind !== "ok") throw new Error(`the settings cannot be seen: ${reading.kind}`);
      return reading.value;
    };
    const checkpoint = async (settings: NetworkChangeSettings) => {
      const point = await settled(bench.settings.checkpoint(settings));
      if (!point.ok) throw new Error(point.error.message);
      // As read back from disk.
      return JSON.parse(JSON.stringify(point.value)) as typeof point.value;
    };

    test("sets, shows and reverts an address; repeating a step changes nothing", async () => {
      const before = await current();
      const wanted = { interfaces: { [bench.wired]: STATIC } };
      const point = await checkpoint(wanted);
      expect(await current()).toEqual(before);
      expect(await settled(bench.settings.apply(wanted))).toEqual({ ok: true, value: undefined });
      expect((await current()).interfaces[bench.wired]).toEqual(STATIC);
      for (let time = 0; time < 2; time += 1) {
        expect(await settled(bench.settings.restore(point))).toEqual({ ok: true, value: undefined });
        expect(await current()).toEqual(before);
      }
    });

    test("a kept change stays, and the next change starts from it and reverts to it", async () => {
      const first = { interfaces: { [bench.wired]: STATIC } };
      const point = await checkpoint(first);
      await settled(bench.settings.apply(first));
      for (let time = 0; time < 2; time += 1) expect(await settled(bench.settings.keep(point))).toEqual({ ok: true, value: undefined });
      await bench.boot?.();
      expect((await current()).interfaces[bench.wired]).toEqual(STATIC);
      const second = { interfaces: { [bench.wired]: OTHER } };
      const next = await checkpoint(second);
      expect(await settled(bench.settings.apply(second))).toMatchObject({ ok: true });
      expect((await current()).interfaces[bench.wired]).toEqual(OTHER);
      expect(await settled(bench.settings.restore(next))).toMatchObject({ ok: true });
      expect((await current()).interfaces[bench.wired]).toEqual(STATIC);
    });

    test("a change interrupted by a boot is reverted or kept, as the holder of the checkpoint decides", async () => {
      const before = await current();
      const wanted = { interfaces: { [bench.wired]: STATIC } };
      const lost = await checkpoint(wanted);
      await settled(bench.settings.apply(wanted));
      await bench.boot?.();
      expect(await settled(bench.settings.restore(lost))).toMatchObject({ ok: true });
      expect(await current()).toEqual(before);
      const won = await checkpoint(wanted);
      await settled(bench.settings.apply(wanted));
      await bench.boot?.();
      expect(await settled(bench.settings.keep(won))).toMatchObject({ ok: true });
      expect((await current()).interfaces[bench.wired]).toEqual(STATIC);
    });

    test("an unknown interface is an error with a code and changes nothing", async () => {
      const before = await current();
      const wanted = { interfaces: { nowhere0: STATIC } };
      const refused = { ok: false, error: { code: "network.no-such-interface" } };
      expect(await settled(bench.settings.checkpoint(wanted))).toMatchObject(refused);
      expect(await settled(bench.settings.apply(wanted))).toMatchObject(refused);
      expect(await current()).toEqual(before);
    });

    test("joins and leaves a wireless network; its password is in no answer and no checkpoint", async () => {
      const { wifi } = bench;
      const wanted = { wifi: wifi ?? { ssid: "Nobody", security: "wpa-psk", password: "no adapter here" } } as const;
      const point = await settled(bench.settings.checkpoint(wanted));
      const applied = await settled(bench.settings.apply(wanted));
      const now = await current();
      const restored = point.ok ? await settled(bench.settings.restore(point.value)) : point;
      const expected = wifi === undefined ? { can: false, joined: undefined } : { can: true, joined: { ssid: wifi.ssid, security: wifi.security } };
      expect({ can: bench.settings.capabilities.wifi, joined: now.wifi }).toEqual(expected);
      expect([point.ok, applied.ok, restored.ok]).toEqual([expected.can, expected.can, expected.can]);
      expect(JSON.stringify([point, applied, now, restored])).not.toContain("password" in wanted.wifi ? wanted.wifi.password : "\u0000");
    });
  });
}
