import type { AddressSettings, Dot1xSettings, Network } from "../../protocol/network-settings.ts";
import type { CurrentDot1x, CurrentNetwork } from "../../../platform/ports/network-settings.ts";
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
    ...(current?.wifi === undefined ? {} : { wifi: { ssid: current.wifi.ssid, security: current.wifi.security, ...(current.wifi.dot1x === undefined ? {} : { dot1x: shownDot1x(current.wifi.dot1x) }) } }),
    ...(current?.dot1x === undefined ? {} : { dot1x: Object.fromEntries(Object.entries(current.dot1x).map(([name, access]) => [name, shownDot1x(access)])) }),
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
  const dot1x = isObject(shown["dot1x"]) ? shown["dot1x"] : {};
  for (const [name, access] of Object.entries(wanted.dot1x ?? {})) if (!sameDot1x(access, Object.hasOwn(dot1x, name) ? dot1x[name] : undefined)) return false;
  if (wanted.wifi === undefined) return true;
  const wifi = shown["wifi"];
  if (!isObject(wifi) || wifi["ssid"] !== wanted.wifi.ssid || wifi["security"] !== wanted.wifi.security) return false;
  return wanted.wifi.security !== "wpa-eap" || sameDot1x(wanted.wifi.dot1x, wifi["dot1x"]);
}

/** Whether `wanted` contains no secret, so that observation proves whether it is in force. */
export function hidesNothing(wanted: Network): boolean {
  const secretProxy = typeof wanted.proxy === "string" && USER_INFO.test(wanted.proxy);
  return !secretProxy && passwordsOf(wanted).length === 0;
}

/** `text` without the secrets of `wanted`, which a program's error message may repeat. */
export function withoutSecrets(text: string, wanted: Network): string {
  const secrets = passwordsOf(wanted);
  if (typeof wanted.proxy === "string") {
    const user = USER_INFO.exec(wanted.proxy)?.[0].replace(/^https?:\/\//i, "").slice(0, -1);
    if (user !== undefined && user !== "") secrets.push(user, ...user.split(":").slice(1));
  }
  return secrets.filter((secret) => secret !== "").reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

function passwordsOf({ wifi, dot1x }: Network): string[] {
  const accesses = [...Object.values(dot1x ?? {}), ...(wifi?.security === "wpa-eap" ? [wifi.dot1x] : [])];
  return [...(wifi !== undefined && "password" in wifi ? [wifi.password] : []), ...accesses.flatMap((access) => (access?.method === "peap" ? [access.password] : []))];
}

function sameDot1x(wanted: Dot1xSettings | null, shown: Json | undefined): boolean {
  if (wanted === null || !isObject(shown)) return wanted === null && shown === undefined;
  return (["method", "identity", "certificate", "serverName"] as const).every((key) => wanted[key] === shown[key]);
}

function shownDot1x({ notAfterMs, version: _version, ...access }: CurrentDot1x): JsonObject {
  return { ...access, ...(notAfterMs === undefined ? {} : { notAfter: new Date(notAfterMs).toISOString() }) };
}

function shownAddress(settings: AddressSettings): JsonObject {
  if (settings.method === "dhcp") return { method: "dhcp" };
  const { address, moreAddresses, gateway, dns } = settings;
  return { method: "static", address, ...(moreAddresses === undefined ? {} : { moreAddresses: [...moreAddresses] }), ...(gateway === undefined ? {} : { gateway }), dns: [...dns] };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
