import { expect, test } from "vitest";
import { virtualBenchTime } from "../ports/testing/bench.ts";
import { wifiSetupConformance } from "../ports/wifi-setup.conformance.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { openNmcli } from "./nmcli-network-settings.ts";
import { NmcliStandIn } from "./testing/nmcli-stand-in.ts";

const hex = (text: string): string => Buffer.from(text).toString("hex").toUpperCase();

async function open(devices: ConstructorParameters<typeof NmcliStandIn>[0]) {
  const nm = new NmcliStandIn(devices);
  const time = new VirtualTime();
  const ports = await openNmcli(nm.run, time);
  if (ports === undefined) throw new Error("the stand-in was not recognised");
  nm.visible = [`${hex("Shop")}:40:WPA2`, `${hex("Shop")}:80:WPA2`, `${hex("Büro")}:55:WPA2 WPA3`, `${hex("Home")}:54:WPA3`, `${hex("Company")}:53:WPA2 802.1X`, `${hex("Café")}:90:`, "FF00:52:WEP", ":99:WPA2", "0000:98:WPA2"].map((line) => `${line}\n`).join("");
  return { nm, setup: ports.wifiSetup, settings: ports.networkSettings, time: virtualBenchTime(time), close: () => Promise.resolve() };
}

wifiSetupConformance("linux over nmcli (a stand-in that speaks like it)", async () => ({ ...(await open([["eth0", "ethernet"], ["wlan0", "wifi"]])), inRange: "Büro" }));
wifiSetupConformance("linux over nmcli without an adapter (a stand-in that speaks like it)", () => open([["eth0", "ethernet"]]));

test("each network is listed once by its strongest access point, hidden ones not at all, and a name that is not text by its bytes", async () => {
  const { setup } = await open([["wlan0", "wifi"]]);
  const list = await setup.scan();
  expect(list.ok && list.value.map(({ ssid, ssidHex, signalPercent, security }) => [ssid ?? ssidHex, signalPercent, security])).toEqual([
    ["Café", 90, "open"], ["Shop", 80, "wpa-psk"], ["Büro", 55, "wpa-psk"], ["Home", 54, "wpa3-sae"], ["Company", 53, "enterprise"], ["ff00", 52, "other"],
  ]);
});

test("the access point is in memory only, its password in no argument, and a change of settings that fails does not bring it back after a boot", async () => {
  const { nm, setup, settings } = await open([["wlan0", "wifi"]]);
  nm.air.set("Shop", "right password");
  await setup.openAccessPoint({ ssid: "Set up", password: "set-up password" });
  expect(nm.ran.join("\n")).not.toContain("set-up password");
  const wanted = { wifi: { ssid: "Shop", security: "wpa-psk", password: "wrong password" } } as const;
  const point = await settings.checkpoint(wanted);
  expect(await settings.apply(wanted)).toMatchObject({ ok: false });
  nm.boot();
  expect([...nm.profiles.values()].map(({ id }) => id)).not.toContain("vitrine-setup");
  expect(await settings.restore(point.ok ? point.value : {})).toMatchObject({ ok: true });
  expect([...nm.profiles.values()].filter(({ id }) => id.startsWith("vitrine"))).toEqual([]);
});

test.each([
  ["10.42.0.77/24", "network.set-up-address-taken"],
  ["10.0.0.5/8", "network.set-up-address-taken"],
  ["10.42.1.5/24", "ok"],
])("beside a cable with the address %s the access point answers %s, and nothing is left of a refused one", async (address, outcome) => {
  const { nm, setup } = await open([["eth0", "ethernet"], ["wlan0", "wifi"]]);
  nm.addresses.set("eth0", ["192.0.2.9/24", address]);
  const opened = await setup.openAccessPoint({ ssid: "Set up", password: "set-up password" });
  expect(opened.ok ? "ok" : opened.error.code).toBe(outcome);
  expect([...nm.profiles.values()].filter(({ id }) => id === "vitrine-setup")).toHaveLength(opened.ok ? 1 : 0);
});
