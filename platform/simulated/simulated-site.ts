import type { AddressSettings, WifiSettings } from "../ports/network-settings.ts";
import { utf8 } from "../runtime/encoding.ts";
import type { SimulatedAccessPoint, SimulatedNetworkState } from "./world-state.ts";

/** The network site of a simulated device: decides whether its settings work there. Pure. */

const WIFI_INTERFACE = "wlan0";

type WithPassword = Pick<WifiSettings, "ssid" | "security"> & { readonly password?: string };

/** FNV-1a, 32 bits: tells a right password from a wrong one, but does not reveal the password. */
export function keyCheckOf({ security, password }: WithPassword): string {
  if (security === "open" || password === undefined) return "";
  let hash = 0x811c9dc5;
  for (const byte of utf8(password)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}

export function accessPointOf(settings: WithPassword): SimulatedAccessPoint {
  return { ssid: settings.ssid, security: settings.security, keyCheck: keyCheckOf(settings) };
}

/** Name of the wireless interface; `undefined` when there is none. */
export function wifiInterfaceOf({ interfaces }: SimulatedNetworkState): string | undefined {
  return Object.keys(interfaces).find((name) => interfaces[name]?.kind === "wifi");
}

export function addressSettingsOf(network: SimulatedNetworkState, name: string): AddressSettings {
  const settings = network.settings?.interfaces;
  const known = settings !== undefined && Object.hasOwn(settings, name) ? settings[name] : undefined;
  return known ?? { method: "dhcp" };
}

/** With wireless settings only the wireless interface can be up; without them only cables. */
export function isUp(network: SimulatedNetworkState, name: string): boolean {
  if (network.link !== "up") return false;
  const { settings, site } = network;
  const isWifi = network.interfaces[name]?.kind === "wifi";
  if (settings?.wifi === undefined) return !isWifi;
  const { ssid, security, keyCheck } = settings.wifi;
  return isWifi && (site?.accessPoints ?? []).some((point) => point.ssid === ssid && point.security === security && point.keyCheck === keyCheck);
}

export function addressesOf(network: SimulatedNetworkState, name: string): readonly string[] {
  if (!isUp(network, name)) return [];
  const settings = addressSettingsOf(network, name);
  return settings.method === "static" ? [settings.address, ...(settings.moreAddresses ?? [])] : (network.interfaces[name]?.addresses ?? []);
}

/** Gateway of the default route, whether or not it is reachable. */
export function gatewayOf(network: SimulatedNetworkState): string | undefined {
  const up = Object.keys(network.interfaces).filter((name) => isUp(network, name));
  return up.map((name) => routeOf(network, name)).find((gateway) => gateway !== undefined);
}

/** Whether the device reaches the internet, through `proxy` if one is configured. */
export function reachesCloud(network: SimulatedNetworkState, proxy: string | undefined): boolean {
  if (proxy !== undefined && !(network.site?.proxies ?? []).includes(proxy)) return false;
  return Object.keys(network.interfaces).some((name) => isUp(network, name) && routes(network, name));
}

export function withAccessPoint(network: SimulatedNetworkState, settings: WithPassword, on: boolean): SimulatedNetworkState {
  const others = (network.site?.accessPoints ?? []).filter(({ ssid }) => ssid !== settings.ssid);
  const accessPoints = on ? [...others, accessPointOf(settings)].slice(-16) : others;
  return { ...network, site: { accessPoints, proxies: network.site?.proxies ?? [] } };
}

export function withProxies(network: SimulatedNetworkState, proxies: readonly string[]): SimulatedNetworkState {
  return { ...network, site: { accessPoints: network.site?.accessPoints ?? [], proxies: [...proxies] } };
}

export function onWifi(network: SimulatedNetworkState, settings: WithPassword): SimulatedNetworkState {
  const name = wifiInterfaceOf(network) ?? WIFI_INTERFACE;
  const cable = Object.values(network.interfaces)[0];
  const adapter = network.interfaces[name] ?? { kind: "wifi" as const, mac: (cable?.mac ?? "02:00:00:00:00:00").replace(/^../, "06"), addresses: cable?.addresses ?? [] };
  return {
    ...withAccessPoint(network, settings, true),
    interfaces: { ...network.interfaces, [name]: adapter },
    settings: { interfaces: network.settings?.interfaces ?? {}, wifi: accessPointOf(settings) },
  };
}

/** A new device: only a wireless adapter, which knows no network, in range of this one. */
export function unboxed(network: SimulatedNetworkState, settings: WithPassword): SimulatedNetworkState {
  const { interfaces, ...rest } = onWifi(network, settings);
  const wireless = Object.fromEntries(Object.entries(interfaces).filter(([, { kind }]) => kind === "wifi"));
  return { ...rest, interfaces: wireless, settings: { interfaces: {} } };
}

function routeOf(network: SimulatedNetworkState, name: string): string | undefined {
  const settings = addressSettingsOf(network, name);
  return settings.method === "static" ? settings.gateway : network.gateway;
}

/** DHCP always works; a static address must be in the gateway's network and name that gateway. */
function routes(network: SimulatedNetworkState, name: string): boolean {
  const settings = addressSettingsOf(network, name);
  if (settings.method === "dhcp") return true;
  const [address = "", prefix = "32"] = settings.address.split("/");
  return settings.gateway === network.gateway && subnetOf(address, Number(prefix)) === subnetOf(network.gateway, Number(prefix));
}

function subnetOf(address: string, prefix: number): number {
  const bits = address.split(".").reduce((value, octet) => value * 256 + Number(octet), 0);
  return Math.floor(bits / 2 ** (32 - prefix));
}
