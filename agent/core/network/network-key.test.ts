import { expect, test } from "vitest";
import { ok } from "../../../platform/ports/result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { simulatedNetworkSettingsPort } from "../../../platform/simulated/simulated-network-settings.ts";
import type { DesiredDocument } from "../../protocol/desired.ts";
import type { Network } from "../../protocol/network-settings.ts";
import { DesiredState } from "../state/desired-state.ts";
import { exclusiveKey } from "../state/keys/exclusive-key.ts";
import { networkKey } from "../state/keys/network-key.ts";
import { ManualOverrides } from "../state/manual-overrides.ts";
import { FakeAlarms, FakeReporter } from "../state/testing/fakes.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { NETWORK_ALARM } from "./network-change.ts";
import { networkTarget } from "./network-target.ts";
import { machine, NetworkBench, textLog } from "./testing/network-bench.ts";

const DEVICE = "0123456789abcdef0123456789abcdef";

/** The agent's reconcile loop over a network bench. */
async function desiredOver(bench: NetworkBench) {
  const { time, world } = bench.machine;
  const reporter = new FakeReporter();
  const lines: string[] = [];
  const log = textLog(lines);
  const store = new MemoryDocumentStore();
  const deps = { settings: simulatedNetworkSettingsPort(world, time), proxy: undefined };
  const state = await DesiredState.load({
    deviceId: DEVICE, verify: (signed) => Promise.resolve(ok(signed.payload)), store,
    overrides: await ManualOverrides.load({ store, clock: time, log }), reporter, alarms: new FakeAlarms(),
    handlers: [exclusiveKey(networkKey(networkTarget(bench.change, deps, time)), bench.way)],
    clock: time, timers: time, random: new SeededRandom("desired"), log,
  });
  bench.way.onFree(() => state.poke("network"));
  const stop = new AbortController();
  const running = state.run(stop.signal);
  let version = 0;
  const want = async (document: DesiredDocument) => {
    version += 1;
    expect((await state.accept({ payload: JSON.stringify({ device: DEVICE, version, issuedMs: 0, document }), key: DEVICE, signature: "" })).ok).toBe(true);
  };
  const end = async () => {
    stop.abort();
    await time.settled(running);
    await bench.end();
  };
  return { want, end, lines, reporter, key: () => reporter.document.desired?.keys["network"] };
}

test("settings from desired state wait while the endpoints move, then are tried; a failure is reported without the password", async () => {
  const of = machine();
  of.world.apply({ action: "network.on-wifi", params: { ssid: "Shop" } });
  const bench = await NetworkBench.start(of);
  const { want, key, end, lines, reporter } = await desiredOver(bench);
  const release = bench.way.take("cloud.endpoints");
  const astray = { wlan0: { method: "static", address: "192.0.2.44/24", gateway: "192.0.2.254", dns: [] } } satisfies Network["interfaces"];
  await want({ network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "shop-password" }, interfaces: astray } });
  await bench.advance(120_000);
  expect([key()?.status, key()?.error?.code, bench.calls.includes("apply")]).toEqual(["pending", "cloud.way-busy", false]);
  release?.();
  await bench.advance(1_000);
  expect([bench.way.holder(), bench.way.take("cloud.endpoints"), key()?.status]).toEqual(["network", undefined, "pending"]);
  await bench.advance(200_000);
  expect(key()).toMatchObject({ status: "failed", error: { code: "network.change-failed" }, observed: { wifi: { ssid: "Shop" } } });
  expect([bench.online(), bench.way.holder()]).toEqual([true, undefined]);
  // The lane retries, but the machine is not called again.
  await bench.advance(300_000);
  expect(bench.calls.filter((call) => call === "apply")).toHaveLength(1);
  await want({ network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "shop-password" } } });
  await bench.advance(60_000);
  expect(key()).toEqual({ status: "applied", observed: { proxy: null, interfaces: { eth0: { method: "dhcp" }, wlan0: { method: "dhcp" } }, wifi: { ssid: "Shop", security: "wpa-psk" } } });
  expect(JSON.stringify([reporter.document, lines, bench.lines])).not.toContain("shop-password");
  await end();
});

test("a change with a part that this device does not support is unsupported as a whole", async () => {
  const bench = await NetworkBench.start(machine());
  const { want, key, end } = await desiredOver(bench);
  await want({ network: { proxy: null, interfaces: { eth0: { method: "static", address: "192.0.2.9/24", gateway: "192.0.2.1", dns: [] } } } });
  await bench.advance(10_000);
  expect([key()?.status, key()?.error?.code, bench.calls.includes("apply")]).toEqual(["unsupported", "network.not-supported", false]);
  await end();
});

test.each([
  ["leaves the document", {}],
  ["becomes what is in force", { network: { interfaces: { eth0: { method: "dhcp" as const } } } }],
])("the alarm about failed settings ends when the key %s", async (_how, document) => {
  const of = machine();
  of.world.apply({ action: "network.on-wifi", params: { ssid: "Shop" } });
  const bench = await NetworkBench.start(of);
  const { want, end } = await desiredOver(bench);
  await want({ network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "wrong horse" } } });
  await bench.advance(200_000);
  expect([...bench.alarms.keys()]).toEqual([NETWORK_ALARM]);
  await want(document);
  await bench.advance(60_000);
  expect([...bench.alarms.keys()]).toEqual([]);
  await end();
});
