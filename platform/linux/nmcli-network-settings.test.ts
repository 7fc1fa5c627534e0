import { pbkdf2Sync } from "node:crypto";
import { expect, test } from "vitest";
import { networkSettingsConformance } from "../ports/network-settings.conformance.ts";
import type { NetworkChangeSettings } from "../ports/network-settings.ts";
import { virtualBenchTime } from "../ports/testing/bench.ts";
import { fail } from "../ports/result.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { pskOf } from "./nmcli-password.ts";
import { openNmcli } from "./nmcli-network-settings.ts";
import { NmcliStandIn } from "./testing/nmcli-stand-in.ts";

const WIFI = { ssid: "Shop: upstairs", security: "wpa-psk", password: "pass: word\\1 'x'" } as const;

async function open(...args: ConstructorParameters<typeof NmcliStandIn>) {
  const time = new VirtualTime();
  const nm = new NmcliStandIn(...args);
  nm.air.set(WIFI.ssid, WIFI.password);
  const ports = await openNmcli(nm.run, time);
  if (ports === undefined) throw new Error("the stand-in was not recognised");
  return { nm, settings: ports.networkSettings, wifiSetup: ports.wifiSetup, time: virtualBenchTime(time), boot: () => nm.boot(), wired: "eth0", close: () => Promise.resolve() };
}

networkSettingsConformance("linux over nmcli, a cable (a stand-in that speaks like it)", () => open([["eth0", "ethernet"]]));
networkSettingsConformance("linux over nmcli, a cable with NetworkManager's default profile (a stand-in that speaks like it)", () => open([["eth0", "ethernet"]], "default"));
networkSettingsConformance("linux over nmcli, cable and Wi-Fi (a stand-in that speaks like it)", async () => ({ ...(await open([["eth0", "ethernet"], ["wlan0", "wifi"]])), wifi: WIFI }));

test("a password is passed only through standard input, and a wrong one is refused by the machine", async () => {
  const { nm, settings } = await open([["eth0", "ethernet"], ["wlan0", "wifi"]]);
  const wanted = { wifi: { ...WIFI, password: "not the right one" } };
  const point = await settings.checkpoint(wanted);
  expect(await settings.apply(wanted)).toMatchObject({ ok: false, error: { code: "network.wrong-password" } });
  expect(nm.inputs.join()).toContain("not the right one");
  expect(nm.ran.join("\n")).not.toContain("not the right one");
  expect(await settings.restore(point.ok ? point.value : {})).toMatchObject({ ok: true });
  expect([...nm.profiles.values()].map(({ id }) => id)).toEqual(["Wired: connection 1"]);
});

test("a password with spaces at its ends is passed as WPA's key, one of 64 digits as it is, and WPA3 says that it cannot", async () => {
  const { nm, settings } = await open([["wlan0", "wifi"]]);
  expect(pskOf({ ssid: "Shop", security: "wpa-psk", password: "as it is" })).toEqual({ ok: true, value: "as it is" });
  nm.air.set("Shop", pbkdf2Sync("  spaces at the ends ", "Shop", 4_096, 32, "sha1").toString("hex"));
  expect(await settings.apply({ wifi: { ssid: "Shop", security: "wpa-psk", password: "  spaces at the ends " } })).toMatchObject({ ok: true });
  nm.air.set("Shop", "0123456789abcdef".repeat(4));
  expect(await settings.apply({ wifi: { ssid: "Shop", security: "wpa-psk", password: "0123456789abcdef".repeat(4) } })).toMatchObject({ ok: true });
  expect(await settings.apply({ wifi: { ssid: "Shop", security: "wpa3-sae", password: " at the front" } })).toMatchObject({ ok: false, error: { code: "network.not-supported" } });
});

/** What nmcli 1.42 prints. The last two are texts in its program; the others are recorded, with simulated radios. */
const HINT = "\nHint: use 'journalctl -xe NM_CONNECTION=7f840cd2-c163-452c-a890-a837e971c9b9 + NM_DEVICE=wlan0' to get more details.";
const SAID = {
  wrongPassword: `Warning: password for '802-11-wireless-security.psk' not given in 'passwd-file' and nmcli cannot ask without '--ask' option.\nError: Connection activation failed: Secrets were required, but not provided${HINT}`,
  notFound: `Error: Connection activation failed: The Wi-Fi network could not be found${HINT}`,
  noAddress: `Error: Connection activation failed: IP configuration could not be reserved (no available address, timeout, etc.)${HINT}`,
  tooLate: "Error: Timeout expired (60 seconds)",
  unanswered: `Error: Connection activation failed: 802.1X supplicant took too long to authenticate${HINT}`,
};

test.each([
  ["a wrong password", SAID.wrongPassword, "network.wrong-password", {}],
  ["a network that is not in range", SAID.notFound, "network.not-in-range", { visible: "53686F7021:80:WPA2\n" }],
  ["a WPA3 network that refuses the password, which NetworkManager does not find", SAID.notFound, "network.wrong-password", { security: "wpa3-sae", visible: ":80:WPA2 WPA3\n" }],
  ["a network with a password that is joined as an open one, which NetworkManager does not find", SAID.notFound, "network.refused", { security: "open", visible: ":80:WPA2\n" }],
  ["a WPA2 network that is joined as WPA3", SAID.notFound, "network.refused", { security: "wpa3-sae", visible: ":80:WPA1 WPA2\n" }],
  ["a network for companies that is joined with a password", SAID.notFound, "network.refused", { visible: ":80:WPA2 802.1X\n" }],
  ["a network in range that does not answer a password", SAID.unanswered, "network.wrong-password", { visible: ":80:WPA2\n" }],
  ["a network in range that takes another kind of access and does not answer", SAID.unanswered, "network.refused", { visible: ":80:WPA2 802.1X\n" }],
  ["an open network that does not answer", SAID.unanswered, "network.refused", { security: "open", visible: ":80:\n" }],
  ["a network that does not answer and is not in the list", SAID.unanswered, "network.refused", {}],
  ["a network without DHCP", SAID.noAddress, "network.no-address", {}],
  ["a network that says nothing for a minute", SAID.tooLate, "network.timed-out", {}],
] as const)("%s is told as such", async (_what, said, code, { security = "wpa-psk", visible = "" }: { readonly security?: "open" | "wpa-psk" | "wpa3-sae"; readonly visible?: string }) => {
  const { nm } = await open([["wlan0", "wifi"]]);
  nm.visible = visible.replace(/^:/, `${Buffer.from(WIFI.ssid).toString("hex").toUpperCase()}:`);
  const message = (args: readonly string[]): string => `nmcli ${args.join(" ")}: ${said.slice(-300)}`;
  const ports = await openNmcli((program, args, ...rest) => (args.includes("up") ? Promise.resolve(fail("program.failed", message(args))) : nm.run(program, args, ...rest)), new VirtualTime());
  const { ssid, password } = WIFI;
  expect(await ports?.networkSettings.apply({ wifi: security === "open" ? { ssid, security } : { ssid, security, password } })).toMatchObject({ ok: false, error: { code } });
});

test("a trial does not connect by itself, so a machine that reboots in between uses the old network", async () => {
  const { nm, settings } = await open([["eth0", "ethernet"]]);
  const before = await settings.current();
  await settings.apply({ interfaces: { eth0: { method: "static", address: "192.0.2.9/24", dns: [] } } });
  expect(await settings.current()).not.toEqual(before);
  nm.boot();
  expect(await settings.current()).toEqual(before);
});

test("an address that another machine has is refused, on a cable and in a profile kept before, and the device stays as it was", async () => {
  const { nm, settings } = await open([["eth0", "ethernet"]]);
  nm.taken.add("192.0.2.1");
  const address = (last: number): NetworkChangeSettings => ({ interfaces: { eth0: { method: "static", address: `192.0.2.${last}/24`, gateway: "192.0.2.1", dns: [] } } });
  for (const _round of ["from DHCP", "from a kept address"]) {
    const before = await settings.current();
    const point = await settings.checkpoint(address(1));
    expect(await settings.apply(address(1))).toMatchObject({ ok: false, error: { code: "network.no-address" } });
    expect(await settings.restore(point.ok ? point.value : {})).toMatchObject({ ok: true });
    expect(await settings.current()).toEqual(before);
    const good = await settings.checkpoint(address(9));
    expect(await settings.apply(address(9))).toMatchObject({ ok: true });
    expect(await settings.keep(good.ok ? good.value : {})).toMatchObject({ ok: true });
  }
  await settings.apply({ interfaces: { eth0: { method: "dhcp" } } });
  expect(nm.profiles.get(nm.active.get("eth0") ?? "")?.properties.get("ipv4.dad-timeout")).toBe("-1");
});

test("the name of a wireless network is read as it is: NetworkManager escapes nothing where it prints one property per line", async () => {
  const { nm, settings } = await open([["wlan0", "wifi"]]);
  const ssid = String.raw`Büro: 1, "a|b" 😀`;
  nm.air.set(ssid, WIFI.password);
  await settings.apply({ wifi: { ...WIFI, ssid } });
  expect(await settings.current()).toMatchObject({ value: { wifi: { ssid } } });
});

test("there is no port without NetworkManager or without the right to use it", async () => {
  const time = new VirtualTime();
  expect(await openNmcli(() => Promise.resolve(fail("program.missing", "there is no program nmcli")), time)).toBeUndefined();
  const nm = new NmcliStandIn([["eth0", "ethernet"]]);
  nm.permission = "auth";
  expect(await openNmcli(nm.run, time)).toBeUndefined();
  expect(await openNmcli(Object.assign(new NmcliStandIn([["eth0", "ethernet"]]), { runs: false, isEnabled: false }).run, time)).toBeUndefined();
});

test("a NetworkManager that systemd starts after the agent is used once it is there, and a radio that comes later too", async () => {
  const nm = new NmcliStandIn([["eth0", "ethernet"]]);
  nm.runs = false;
  const settings = (await openNmcli(nm.run, new VirtualTime()))?.networkSettings;
  expect(settings?.capabilities).toEqual({ address: true, wifi: false, dot1x: true });
  expect(await settings?.current()).toMatchObject({ kind: "failed", error: { message: expect.stringContaining("not running") as string } });
  nm.runs = true;
  nm.devices = [["eth0", "ethernet"], ["wlan0", "wifi"]];
  expect(await settings?.current()).toMatchObject({ kind: "ok", value: { interfaces: { eth0: expect.anything() as unknown } } });
  expect(settings?.capabilities.wifi).toBe(true);
});
