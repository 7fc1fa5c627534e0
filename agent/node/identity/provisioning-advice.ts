import { nearestName } from "../../core/config/nearest-name.ts";

const TLS_ACCESS = '{ "method": "tls", "identity": "player-7", "certificate": "shop" }';
const PEAP_ACCESS = '{ "method": "peap", "identity": "player-7", "certificate": "shop", "password": "correct horse" }';
const OF_ACCESS = {
  method: '"method": "tls"',
  identity: '"identity": "player-7"',
  certificate: '"certificate": "shop"',
  serverName: '"serverName": "radius.example"',
  password: '"password": "correct horse"',
};

/** For each entry of a provisioning file, by its place: how it is written. `*` is the name of an interface. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  endpoints: '"endpoints": ["wss://cloud.example/device/v1"]',
  ownerCommandKey: '"ownerCommandKey": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"',
  claimToken: '"claimToken": "shop-12-8d1f"',
  deviceName: '"deviceName": "Shop window, left"',
  country: '"country": "DE"',
  timeZone: '"timeZone": "Europe/Berlin"',
  network: '"network": { "wifi": { "ssid": "Shop", "password": "correct horse" } }',
  "network.wifi": '"wifi": { "ssid": "Shop", "password": "correct horse" }',
  "network.wifi.ssid": '"ssid": "Shop"',
  "network.wifi.password": '"password": "correct horse"',
  "network.wifi.security": '"security": "wpa-psk"',
  "network.wifi.hidden": '"hidden": true',
  "network.wifi.dot1x": `"dot1x": ${PEAP_ACCESS}`,
  ...inside("network.wifi.dot1x", OF_ACCESS),
  "network.dot1x": `"dot1x": { "eth0": ${TLS_ACCESS} }`,
  "network.dot1x.*": `"eth0": ${TLS_ACCESS}`,
  ...inside("network.dot1x.*", OF_ACCESS),
  "network.proxy": '"proxy": "http://proxy.example:3128"',
  "network.interfaces": '"interfaces": { "eth0": { "method": "dhcp" } }',
  "network.interfaces.*": '"eth0": { "method": "static", "address": "192.0.2.4/24", "gateway": "192.0.2.1", "dns": ["192.0.2.1"] }',
  "network.interfaces.*.method": '"method": "dhcp"',
  "network.interfaces.*.address": '"address": "192.0.2.4/24"',
  "network.interfaces.*.moreAddresses": '"moreAddresses": ["192.0.2.5/24"]',
  "network.interfaces.*.gateway": '"gateway": "192.0.2.1"',
  "network.interfaces.*.dns": '"dns": ["192.0.2.1"]',
};

/** What to do about a wrong value at `path`: how it, or the entry around it, is written. */
export function exampleFor(path: readonly string[]): string {
  for (let length = path.length; length > 0; length -= 1) {
    const example = EXAMPLES[patternOf(path.slice(0, length))];
    if (example !== undefined) return `write it like this: ${example}`;
  }
  return "docs/first-boot.md describes every key";
}

/** What to do about a key that is not known: the one that is meant, or all that are allowed there. */
export function knownKeysFor(path: readonly string[]): string {
  const outer = patternOf(path.slice(0, -1));
  const known = Object.keys(EXAMPLES).filter((place) => place.slice(0, Math.max(0, place.lastIndexOf("."))) === outer).map((place) => place.slice(place.lastIndexOf(".") + 1));
  const meant = nearestName(path.at(-1) ?? "", known);
  const all = `known keys${outer === "" ? "" : ` in ${path.slice(0, -1).join(".")}`}: ${known.join(", ")}`;
  return meant === undefined ? all : `did you mean "${meant}"? ${all}`;
}

function inside(place: string, examples: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(examples).map(([key, example]) => [`${place}.${key}`, example]));
}

function patternOf(path: readonly string[]): string {
  return path.map((key, at) => (at === 2 && path[0] === "network" && (path[1] === "interfaces" || path[1] === "dot1x") ? "*" : key)).join(".");
}
