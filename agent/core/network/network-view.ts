import type { AddressSettings, Network } from "../../protocol/network-settings.ts";
import type { CurrentNetwork } from "../../../platform/ports/network-settings.ts";
import type { Json, JsonObject } from "../../../platform/runtime/json.ts";

// Network settings without secrets (Wi-Fi password, proxy user and password), for reports, logs and comparisons.

const USER_INFO = /^(https?:\/\/)[^/]*@/i;

/** `http://user:password@host:3128` → `http://***@host:3128`. */
export function shownProxy(proxy: string): string {
  return proxy.replace(USER_INFO, "$1***@");
}

/** The settings in force, as reported to the cloud. */
export function shownCurrent(current: CurrentNetwork | undefined, proxy: string | undefined): JsonObject {
  return {
    proxy: proxy === undefined ? null : shownProxy(proxy),
    ...(current === undefined ? {} : { interfaces: Object.fromEntries(Object.entries(current.interfaces).map(([name, settings]) => [name, shownAddress(settings)])) }),
    ...(current?.wifi === undefined ? {} : { wifi: { ssid: current.wifi.ssid, security: current.wifi.security } }),
  };
}

/** Whether `shown` agrees with everything in `wanted` that is not secret. */
export function agrees(wanted: Network, shown: Json): boolean {
  if (!isObject(shown)) return false;
  if (wanted.proxy !== undefined && (wanted.proxy === null ? null : shownProxy(wanted.proxy)) !== shown["proxy"]) return false;
  const interfaces = isObject(shown["interfaces"]) ? shown["interfaces"] : {};
  for (const [name, settings] of Object.entries(wanted.interfaces ?? {})) {
    const now = Object.hasOwn(interfaces, name) ? interfaces[name] : undefined;
    if (JSON.stringify(shownAddress(settings)) !== JSON.stringify(now)) return false;
  }
  if (wanted.wifi === undefined) return true;
  const wifi = shown["wifi"];
  return isObject(wifi) && wifi["ssid"] === wanted.wifi.ssid && wifi["security"] === wanted.wifi.security;
}

/** Whether `wanted` contains no secret, so that observation proves whether it is in force. */
export function hidesNothing(wanted: Network): boolean {
  const secretProxy = typeof wanted.proxy === "string" && USER_INFO.test(wanted.proxy);
  return !secretProxy && (wanted.wifi === undefined || wanted.wifi.security === "open");
}

/** `text` without the secrets of `wanted`, which a program's error message may repeat. */
export function withoutSecrets(text: string, wanted: Network): string {
  const secrets: string[] = [];
  if (wanted.wifi !== undefined && wanted.wifi.security !== "open") secrets.push(wanted.wifi.password);
  if (typeof wanted.proxy === "string") {
    const user = USER_INFO.exec(wanted.proxy)?.[0].replace(/^https?:\/\//i, "").slice(0, -1);
    if (user !== undefined && user !== "") secrets.push(user, ...user.split(":").slice(1));
  }
  return secrets.filter((secret) => secret !== "").reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

function shownAddress(settings: AddressSettings): JsonObject {
  if (settings.method === "dhcp") return { method: "dhcp" };
  const { address, moreAddresses, gateway, dns } = settings;
  return { method: "static", address, ...(moreAddresses === undefined ? {} : { moreAddresses: [...moreAddresses] }), ...(gateway === undefined ? {} : { gateway }), dns: [...dns] };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
