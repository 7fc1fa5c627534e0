import { isJsonObject, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";
import { maskAddress, maskValues } from "../../../../platform/runtime/redact.ts";

/** Replaces a secret. Not printable ASCII, so that the schema would reject it as a password. */
export const MASK = "••••••••";

/**
 * Masks secrets for display, where bystanders may read them: the wireless password; user, password, query and
 * fragment of URLs; and every value of `player.config`, whose meaning only the customer knows.
 */
export function maskSecrets(document: JsonObject): JsonObject {
  const { network, content, player, cloud } = document;
  return {
    ...document,
    ...(isJsonObject(network) && { network: maskNetwork(network) }),
    ...(isJsonObject(content) && typeof content["url"] === "string" && { content: { ...content, url: maskAddress(content["url"], MASK) } }),
    ...(isJsonObject(cloud) && Array.isArray(cloud["endpoints"]) && { cloud: { ...cloud, endpoints: (cloud["endpoints"] as readonly Json[]).map(maskText) } }),
    ...(isJsonObject(player) && isJsonObject(player["config"]) && { player: { ...player, config: maskValues(player["config"], MASK) as JsonObject } }),
  };
}

/**
 * Restores the secrets of `base` in an edited masked document wherever the mask was left unchanged. A mask without a
 * matching secret stays, as when the network was changed but not its password: see {@link holdsMask}.
 */
export function restoreSecrets(typed: JsonObject, base: JsonObject): JsonObject {
  const restored = restore(typed, maskSecrets(base), base) as JsonObject;
  const wifi = wifiOf(typed);
  if (wifi === undefined || wifi["ssid"] === wifiOf(base)?.["ssid"]) return restored;
  // The old network's password does not belong to the new one: a mask stays.
  return { ...restored, network: { ...(restored["network"] as JsonObject), wifi } };
}

/** Whether the document still contains a mask, which would be saved as the value. */
export function holdsMask(document: JsonObject): boolean {
  return JSON.stringify(document).includes(MASK);
}

function maskNetwork(network: JsonObject): JsonObject {
  const { wifi, dot1x, proxy } = network;
  return {
    ...network,
    ...(isJsonObject(wifi) && { wifi: maskPasswords(wifi) }),
    ...(isJsonObject(dot1x) && { dot1x: maskPasswords(dot1x) }),
    ...(typeof proxy === "string" && { proxy: maskAddress(proxy, MASK) }),
  };
}

/** At any depth: those of 802.1X are in an object of their own. */
function maskPasswords(within: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(within).map(([key, value]) => [key, key === "password" ? MASK : isJsonObject(value) ? maskPasswords(value) : value]));
}

function maskText(value: Json): Json {
  return typeof value === "string" ? maskAddress(value, MASK) : value;
}

/** Replaces values that are still as shown by those of `base`. */
function restore(typed: Json, shown: Json | undefined, base: Json | undefined): Json {
  if (typed === shown && base !== undefined) return base;
  if (Array.isArray(typed)) {
    const [shownList, baseList] = [listOf(shown), listOf(base)];
    return (typed as readonly Json[]).map((item, at) => restore(item, shownList[at], baseList[at]));
  }
  if (!isJsonObject(typed)) return typed;
  const [shownFields, baseFields] = [isJsonObject(shown) ? shown : {}, isJsonObject(base) ? base : {}];
  const own = (fields: JsonObject, name: string): Json | undefined => (Object.hasOwn(fields, name) ? fields[name] : undefined);
  return Object.fromEntries(Object.entries(typed).map(([name, inner]) => [name, restore(inner, own(shownFields, name), own(baseFields, name))]));
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function wifiOf({ network }: JsonObject): JsonObject | undefined {
  return isJsonObject(network) && isJsonObject(network["wifi"]) ? network["wifi"] : undefined;
}
