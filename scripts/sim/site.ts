import type { Network } from "../../agent/protocol/network-settings.ts";
import { sameJson, type JsonObject } from "../../platform/runtime/json.ts";
import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import { accessPointOf } from "../../platform/simulated/simulated-site.ts";
import type { SimulatedNetworkState } from "../../platform/simulated/world-state.ts";

/** The place every simulated device stands in: a cable with DHCP, two wireless networks, two proxies. */

const ACCESS_POINTS = [
  { ssid: "Shop", security: "wpa-psk", password: "right password" },
  { ssid: "Office", security: "wpa3-sae", password: "another password" },
] as const;
const PROXIES = ["http://proxy-a.site.test:3128", "http://proxy-b.site.test:3128"];
const WIFI_MAC = "06:00:00:00:00:01";
const SITE = { accessPoints: ACCESS_POINTS.map(accessPointOf), proxies: PROXIES };
/** Of the network the site's gateway is in; DHCP gives 10 to 209. */
const RIGHT = { method: "static", address: "192.0.2.240/24", gateway: "192.0.2.1", dns: ["192.0.2.1"] };
const LAST_ADDRESS = "192.0.2.241/24";

export function atSite(network: SimulatedNetworkState): SimulatedNetworkState {
  const wlan0 = { kind: "wifi" as const, mac: WIFI_MAC, addresses: ["192.0.2.250/24"] };
  return { ...network, interfaces: { ...network.interfaces, wlan0 }, site: SITE };
}

/** Whether the site is as it should be. */
export function siteIsWell({ site }: SimulatedNetworkState): boolean {
  return sameJson(site, SITE);
}

/** For a while: a wireless network with another password, or a proxy that is gone. */
export function siteInTrouble(network: SimulatedNetworkState, random: SeededRandom): SimulatedNetworkState {
  const left = random.integer(0, 1);
  if (random.chance(0.5)) return { ...network, site: { accessPoints: ACCESS_POINTS.map(accessPointOf), proxies: PROXIES.slice(left, left + 1) } };
  const accessPoints = ACCESS_POINTS.map((point, at) => accessPointOf(at === left ? point : { ...point, password: "changed since" }));
  return { ...network, site: { accessPoints, proxies: PROXIES } };
}

/** A patch of `network` that leaves nothing of what was wanted before. `works`: at this site, when nothing is in trouble. */
export function networkPatch(random: SeededRandom, works: boolean): JsonObject {
  const part = random.integer(0, 2);
  return {
    proxy: part === 0 ? proxy(random, works) : null,
    wifi: part === 1 ? wifi(random, works) : null,
    interfaces: { eth0: part === 2 ? address(random, works) : DHCP },
  };
}

/** The last one: it works, and was never tried before, so that no earlier failure makes the device wait before it tries. */
export function lastNetworkPatch(random: SeededRandom): JsonObject {
  return { ...networkPatch(random, true), interfaces: { eth0: { ...RIGHT, address: LAST_ADDRESS } } };
}

/** A merge patch: members of a static address have to be taken away. */
const DHCP: JsonObject = { method: "dhcp", address: null, gateway: null, dns: null };

function proxy(random: SeededRandom, works: boolean): string {
  return works ? (PROXIES[random.integer(0, PROXIES.length - 1)] ?? "") : "http://nowhere.site.test:3128";
}

function wifi(random: SeededRandom, works: boolean): NonNullable<Network["wifi"]> {
  const point = ACCESS_POINTS[random.integer(0, ACCESS_POINTS.length - 1)] ?? ACCESS_POINTS[0];
  if (works) return point;
  return random.chance(0.5) ? { ...point, password: "wrong password" } : { ...point, ssid: "Elsewhere" };
}

function address(random: SeededRandom, works: boolean): JsonObject {
  if (works && random.chance(0.3)) return DHCP;
  if (works) return RIGHT;
  return random.chance(0.5) ? { ...RIGHT, gateway: "192.0.2.99" } : { ...RIGHT, address: "198.51.100.7/24" };
}
