import { describe, expect, test } from "vitest";
import type { Network } from "../../protocol/network-settings.ts";
import { seen } from "../../../platform/ports/reading.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import { NETWORK_ALARM, STRANDED_ALARM, UNKEPT_ALARM } from "./network-change.ts";
import { DEFAULT_NETWORK_POLICY } from "./network-change-deps.ts";
import { machine, NetworkBench, onlyTheCut, type Machine } from "./testing/network-bench.ts";

const { trialMs, retry } = DEFAULT_NETWORK_POLICY;
const GOOD: Network = { interfaces: { eth0: { method: "static", address: "192.0.2.44/24", gateway: "192.0.2.1", dns: ["192.0.2.1"] } } };
const BAD: Network = { interfaces: { eth0: { method: "static", address: "192.0.2.44/24", gateway: "192.0.2.254", dns: [] } } };
const DHCP = { eth0: { method: "dhcp" } };
const PASSWORD = "correct horse";
const wifi = (password: string): Network => ({ wifi: { ssid: "Office", security: "wpa-psk", password } });

/** Applies the settings and lets the needed time pass. */
async function change(bench: NetworkBench, wanted: Network) {
  return bench.machine.time.settled(bench.change.apply(wanted));
}

const interfacesOf = (of: Machine) => of.world.state.network.settings?.interfaces;

describe("a network change", () => {
  test("is confirmed by a new session over the new settings, and survives a restart", async () => {
    const bench = await NetworkBench.start(machine());
    const before = bench.linkBench.link.status();
    expect(before.kind).toBe("online");
    const result = await change(bench, GOOD);
    expect(result).toEqual({ status: "applied", observed: { proxy: null, interfaces: GOOD.interfaces } });
    const after = bench.linkBench.link.status();
    expect(after).toMatchObject({ kind: "online" });
    expect(after).not.toEqual(before);
    expect(bench.calls.filter((call) => call !== "current")).toEqual(["checkpoint", "apply", "keep"]);
    expect(bench.change.isConfirmed(GOOD)).toBe(true);
    const sessions = bench.cloud.peers.length;
    expect(await change(bench, GOOD)).toMatchObject({ status: "applied" });
    expect(bench.cloud.peers).toHaveLength(sessions);
    await bench.end();
    const again = await NetworkBench.start(bench.machine);
    expect(await change(again, GOOD)).toMatchObject({ status: "applied" });
    expect([again.calls.includes("apply"), again.change.isConfirmed(GOOD), again.cloud.peers.length]).toEqual([false, true, 1]);
    await again.end();
  });

  test("that cuts the device off is reverted by the device, reported with its reason, and not retried at once", async () => {
    const bench = await NetworkBench.start(machine());
    const startMs = bench.machine.time.monotonicMs();
    const result = await change(bench, BAD);
    expect(bench.machine.time.monotonicMs() - startMs).toBe(trialMs);
    expect(result).toMatchObject({ status: "failed", error: { code: "network.change-failed", message: expect.stringContaining("link.network") as string }, observed: { interfaces: DHCP } });
    expect([...bench.alarms.keys()]).toEqual([NETWORK_ALARM]);
    await bench.advance(10_000);
    expect([bench.online(), interfacesOf(bench.machine)]).toEqual([true, {}]);
    const applied = bench.calls.filter((call) => call === "apply").length;
    expect(await change(bench, BAD)).toMatchObject({ status: "failed", error: { code: "network.change-failed" } });
    expect(bench.calls.filter((call) => call === "apply")).toHaveLength(applied);
    // Other settings may be tried at once.
    expect(await change(bench, GOOD)).toMatchObject({ status: "applied" });
    expect([...bench.alarms.keys()]).toEqual([]);
    await bench.end();
  });

  test("is retried after the back-off, and confirmed once the network has been fixed", async () => {
    const bench = await NetworkBench.start(machine());
    await change(bench, BAD);
    bench.machine.world.apply({ action: "network.router", params: { gateway: "192.0.2.254" } });
    await bench.advance(retry.firstMs);
    expect(await change(bench, BAD)).toMatchObject({ status: "applied" });
    await bench.end();
  });

  test("with a wrong Wi-Fi password ends on the old network, and the password appears nowhere", async () => {
    const of = machine();
    of.world.apply({ action: "network.on-wifi", params: { ssid: "Shop" } });
    of.world.apply({ action: "network.access-point", params: { ssid: "Office", password: PASSWORD } });
    const bench = await NetworkBench.start(of);
    expect(bench.online()).toBe(true);
    const failed = await change(bench, wifi("wrong horse"));
    expect(failed).toMatchObject({ status: "failed", observed: { wifi: { ssid: "Shop", security: "wpa-psk" } } });
    await bench.advance(10_000);
    expect(bench.online()).toBe(true);
    // The correct password is another change, although the observed settings look the same.
    const applied = await change(bench, wifi(PASSWORD));
    expect(applied).toMatchObject({ status: "applied", observed: { wifi: { ssid: "Office", security: "wpa-psk" } } });
    expect([bench.change.isConfirmed(wifi(PASSWORD)), bench.change.isConfirmed(wifi("wrong horse"))]).toEqual([true, false]);
    const everything = JSON.stringify([failed, applied, bench.lines, [...bench.alarms], of.world.state, [...of.disk], await bench.change.observe()]);
    for (const secret of ["wrong horse", PASSWORD]) expect(everything).not.toContain(secret);
    await bench.end();
  });

  test("to a proxy that does not let the device through is reverted; one that does is kept, also over a restart", async () => {
    const of = machine();
    of.world.apply({ action: "network.proxies", params: { proxies: ["http://me:pass@proxy.test:3128"] } });
    const bench = await NetworkBench.start(of, { settings: () => undefined });
    expect(await change(bench, { proxy: "http://other.test:3128" })).toMatchObject({ status: "failed", observed: { proxy: null } });
    const result = await change(bench, { proxy: "http://me:pass@proxy.test:3128" });
    expect(result).toEqual({ status: "applied", observed: { proxy: "http://***@proxy.test:3128" } });
    await bench.end();
    const again = await NetworkBench.start(of, { settings: () => undefined });
    expect(again.proxy.current()).toBe("http://me:pass@proxy.test:3128");
    expect(await change(again, { proxy: null })).toMatchObject({ status: "applied", observed: { proxy: null } });
    await again.end();
    // The configuration was changed since, so it applies again.
    of.configuredProxy = "http://by-hand.test:1";
    const byHand = await NetworkBench.start(of, { settings: () => undefined });
    expect(byHand.proxy.current()).toBe("http://by-hand.test:1");
    await byHand.end();
  });

  test("an offline device asks again for access by 802.1X every two minutes, an online one never", async () => {
    const of = machine();
    let asked = 0;
    const port = { access: () => Promise.reject(new Error("not asked for")), renewals: () => Promise.resolve(seen([], 0)), askAgain: () => Promise.resolve((asked += 1) === 1 ? fail("network.dot1x-refused", "no") : ok(undefined)) };
    const bench = await NetworkBench.start(of, { settings: (settings) => ({ ...settings, dot1x: port }) });
    await bench.advance(5 * DEFAULT_NETWORK_POLICY.askAgainMs);
    expect(asked).toBe(0);
    of.world.apply({ action: "network.cut" });
    await bench.advance(60_000);
    expect(bench.online()).toBe(false);
    await bench.advance(2 * DEFAULT_NETWORK_POLICY.askAgainMs);
    expect([asked, bench.lines.filter((line) => line.includes("still does not let")).length]).toEqual([2, 1]);
    await bench.end();
  });

  test("on an offline device is not kept without a welcome and is retried soon, so that old or new settings bring it back", async () => {
    const of = machine();
    of.world.apply({ action: "network.router", params: { gateway: "192.0.2.254" } });
    const bench = await NetworkBench.start(of);
    await change(bench, GOOD);
    expect(interfacesOf(of)).toEqual({});
    of.world.apply({ action: "network.cut" });
    await bench.advance(60_000);
    expect([bench.online(), await change(bench, GOOD)]).toMatchObject([false, { status: "failed" }]);
    of.world.apply({ action: "network.restore" });
    of.world.apply({ action: "network.router", params: { gateway: "192.0.2.1" } });
    bench.cloud.behave = () => (interfacesOf(of)?.["eth0"] === undefined ? { connect: { code: "link.dns", message: "no DHCP here any more" } } : {});
    await bench.advance(DEFAULT_NETWORK_POLICY.offlineRetryMs);
    expect(bench.online()).toBe(false);
    expect(await change(bench, GOOD)).toMatchObject({ status: "applied" });
    await bench.end();
  });

  test("to settings observed to be in force is recorded without a trial", async () => {
    const bench = await NetworkBench.start(machine());
    expect(await change(bench, { interfaces: { eth0: { method: "dhcp" } } })).toMatchObject({ status: "applied" });
    expect([bench.calls.includes("apply"), bench.cloud.peers.length]).toEqual([false, 1]);
    await bench.end();
  });

  test("that the machine refuses, or fails halfway, is reverted at once", async () => {
    const bench = await NetworkBench.start(machine());
    for (const mood of ["refuses", "half"]) {
      bench.machine.world.apply({ action: "network.settings-mood", params: { mood } });
      const startMs = bench.machine.time.monotonicMs();
      expect(await change(bench, { interfaces: { eth0: { ...GOOD.interfaces?.["eth0"], dns: [mood === "half" ? "192.0.2.7" : "192.0.2.8"] } as never } })).toMatchObject({ status: "failed", error: { code: "network.refused" } });
      expect([bench.machine.time.monotonicMs() - startMs, interfacesOf(bench.machine)]).toEqual([0, {}]);
    }
    expect(await change(bench, { interfaces: { eth7: { method: "dhcp" } } })).toMatchObject({ status: "failed", error: { code: "network.no-such-interface" } });
    await bench.end();
  });

  test("is not confirmed by a welcome over other settings than the new ones", async () => {
    // The machine applies the settings and then reverts by itself, as when its access point vanishes.
    const bench = await NetworkBench.start(machine(), { settings: (port) => ({ ...port, apply: () => Promise.resolve({ ok: true, value: undefined }) }) });
    expect(await change(bench, GOOD)).toMatchObject({ status: "failed", error: { code: "network.not-in-force" } });
    await bench.end();
  });

  test("whose old settings cannot be restored retries until they are, with an alarm", async () => {
    let broken = true;
    const bench = await NetworkBench.start(machine(), {
      settings: (port) => ({ ...port, restore: (point) => (broken ? Promise.resolve(fail("network.refused", "not now")) : port.restore(point)) }),
    });
    const result = bench.change.apply(BAD);
    await bench.advance(trialMs + 60_000);
    expect([[...bench.alarms.keys()], bench.change.state().kind]).toEqual([[NETWORK_ALARM, STRANDED_ALARM], "reverting"]);
    broken = false;
    expect(await bench.machine.time.settled(result)).toMatchObject({ status: "failed" });
    expect([[...bench.alarms.keys()], interfacesOf(bench.machine)]).toEqual([[NETWORK_ALARM], {}]);
    await bench.end();
  });

  test("that is confirmed but that the machine does not keep retries until it does, with an alarm", async () => {
    let broken = true;
    const bench = await NetworkBench.start(machine(), {
      settings: (port) => ({ ...port, keep: (point) => (broken ? Promise.resolve(fail("network.refused", "not now")) : port.keep(point)) }),
    });
    const result = bench.change.apply(GOOD);
    await bench.advance(60_000);
    expect([[...bench.alarms.keys()], bench.change.state().kind]).toEqual([[UNKEPT_ALARM], "settled"]);
    broken = false;
    expect(await bench.machine.time.settled(result)).toMatchObject({ status: "applied" });
    expect([...bench.alarms.keys()]).toEqual([]);
    await bench.end();
  });

  test("fails, and does not wait forever, when the machine does not answer", async () => {
    const bench = await NetworkBench.start(machine(), { settings: (port) => ({ ...port, checkpoint: () => new Promise(() => {}) }) });
    expect(await change(bench, GOOD)).toMatchObject({ status: "failed", error: { code: "network.timed-out" } });
    await bench.end();
  });

  test("is reverted after a bug in the machine's port, before the error is thrown", async () => {
    const bench = await NetworkBench.start(machine(), {
      settings: (port) => ({ ...port, apply: (settings) => port.apply(settings).then(() => Promise.reject(new Error("a bug"))) }),
    });
    await expect(change(bench, GOOD)).rejects.toThrow("a bug");
    expect([interfacesOf(bench.machine), bench.change.state().kind, bench.alarms.has(NETWORK_ALARM)]).toEqual([{}, "settled", true]);
    await bench.end();
  });

  test("is not tried when the disk refuses, and is reverted when the disk fails before the confirmation", async () => {
    const bench = await NetworkBench.start(machine());
    bench.documents.failWith = "storage.read-only";
    expect(await change(bench, GOOD)).toMatchObject({ status: "failed", error: { code: "network.not-stored" } });
    expect(bench.calls).not.toContain("apply");
    bench.documents.failWith = undefined;
    const result = bench.change.apply(GOOD);
    await bench.advance(0);
    bench.documents.failWith = "storage.full";
    expect(await bench.machine.time.settled(result)).toMatchObject({ status: "failed", error: { code: "network.not-stored" } });
    expect(interfacesOf(bench.machine)).toEqual({});
    await bench.end();
    // The trial is still on disk, so the next start reverts it once more and reports it.
    bench.documents.failWith = undefined;
    const again = await NetworkBench.start(bench.machine);
    expect([again.calls, again.alarms.has(NETWORK_ALARM), again.online()]).toEqual([["restore"], true, true]);
    await again.end();
  });

  test("keeps working settings after the owner releases the device, but not the digest of their secrets", async () => {
    const bench = await NetworkBench.start(machine());
    await change(bench, GOOD);
    await bench.change.forget();
    expect([bench.change.state(), interfacesOf(bench.machine)]).toEqual([{ kind: "settled", committed: {} }, GOOD.interfaces]);
    expect([...bench.machine.disk.values()].join()).not.toContain("digest");
    await bench.end();
  });

  test("stays pending when the agent stops during the trial, and the next start reverts it", async () => {
    const bench = await NetworkBench.start(machine());
    const result = bench.change.apply(BAD);
    await bench.advance(5_000);
    await bench.end();
    expect(await result).toEqual({ status: "pending" });
    const again = await NetworkBench.start(bench.machine);
    expect([interfacesOf(bench.machine), again.online()]).toEqual([{}, true]);
    expect(await change(again, BAD)).toMatchObject({ status: "failed", error: { code: "network.change-interrupted" } });
    await again.end();
  });

  test("can be reverted although one copy on disk is damaged", async () => {
    const bench = await NetworkBench.start(machine());
    bench.change.apply(BAD).catch(onlyTheCut);
    await bench.advance(1_000);
    await bench.end();
    for (const key of [...bench.machine.disk.keys()].filter((name) => name === "network.change")) bench.machine.disk.set(key, "torn");
    const again = await NetworkBench.start(bench.machine);
    expect([interfacesOf(bench.machine), again.online()]).toEqual([{}, true]);
    await again.end();
  });
});

describe("a power cut", () => {
  test.each([
    ["works", GOOD],
    ["does not work", BAD],
  ])("before or after any write of a change that %s leaves the device online", async (_what, wanted) => {
    const ends = new Set<string>();
    const told = new Set<string>();
    for (const when of ["before", "after"] as const) {
      for (let write = 1; write <= 4; write += 1) {
        const of = machine();
        const bench = await NetworkBench.start(of);
        const base = bench.documents.puts;
        const cut = (n: number): void => {
          if (n >= base + write) bench.cutPower();
        };
        if (when === "before") bench.documents.beforePut = cut;
        else bench.documents.afterPut = cut;
        bench.change.apply(wanted).catch(onlyTheCut);
        await bench.advance(trialMs + 10_000);
        await bench.end();
        // A new boot, with the same disk and machine.
        const reborn = await NetworkBench.start(of);
        const now = interfacesOf(of)?.["eth0"];
        expect([undefined, GOOD.interfaces?.["eth0"]]).toContainEqual(now);
        expect([when, write, reborn.online()]).toEqual([when, write, true]);
        expect(reborn.way.holder()).toBeUndefined();
        ends.add(now === undefined ? "old" : "new");
        const state = reborn.change.state();
        told.add(state.kind === "settled" ? (state.failure?.error.code ?? "nothing") : state.kind);
        // The disk agrees with the settings in force: a confirmed change is not tried again.
        const agree = now === undefined || ((await change(reborn, wanted)).status === "applied" && !reborn.calls.includes("apply"));
        expect([when, write, agree]).toEqual([when, write, true]);
        await reborn.end();
      }
    }
    // Every outcome occurred, so the loop tested something.
    expect([...ends].sort()).toEqual(wanted === GOOD ? ["new", "old"] : ["old"]);
    expect([...told].sort()).toEqual(wanted === GOOD ? ["network.change-interrupted", "nothing"] : ["network.change-failed", "network.change-interrupted", "nothing"]);
  });

  test("before the machine keeps a confirmed change: the next start makes it keep the change", async () => {
    const of = machine();
    const bench = await NetworkBench.start(of, { settings: (port) => ({ ...port, keep: () => Promise.reject(new Error("never asked")) }) });
    bench.documents.afterPut = (n) => {
      if (n >= 2) bench.cutPower();
    };
    bench.change.apply(GOOD).catch(onlyTheCut);
    await bench.advance(20_000);
    await bench.end();
    const reborn = await NetworkBench.start(of);
    expect(reborn.calls).toContain("keep");
    expect(reborn.change.state()).toMatchObject({ kind: "settled" });
    expect(reborn.change.state()).not.toHaveProperty("unkept");
    await reborn.end();
  });
});
