import { isJsonObject, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";
import { maskAddress, maskValues } from "../../../../platform/runtime/redact.ts";

/** Stands where a secret is. No printable ASCII: should it ever be sent as a password, the schema refuses it. */
export const MASK = "••••••••";

/**
 * The document as a screen may show it: anybody may look over the shoulder of whoever reads it. Masked are the wireless password,
 * user, password, query and fragment of addresses, and every value of `player.config`, whose meaning is the customer's own.
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
 * What a person typed upon a masked document, with the secrets of `base` where the mask was left. A mask that stands for
 * nothing there (another network was typed over it) stays: see `holdsMask`.
 */
export function restoreSecrets(typed: JsonObject, base: JsonObject): JsonObject {
  const restored = restore(typed, maskSecrets(base), base) as JsonObject;
  const [wifi, before] = [wifiOf(restored), wifiOf(base)];
  if (wifi === undefined || wifi["ssid"] === before?.["ssid"] || wifiOf(typed)?.["password"] !== MASK) return restored;
  // The old network's password is none of the new one's.
  return { ...restored, network: { ...(restored["network"] as JsonObject), wifi: { ...wifi, password: MASK } } };
}

/** Whether a mask is left that stands for nothing: saved as it is it would become the value. */
export function holdsMask(document: JsonObject): boolean {
  return JSON.stringify(document).includes(MASK);
}

function maskNetwork(network: JsonObject): JsonObject {
  const { wifi, proxy } = network;
  return {
    ...network,
    ...(isJsonObject(wifi) && Object.hasOwn(wifi, "password") && { wifi: { ...wifi, password: MASK } }),
    ...(typeof proxy === "string" && { proxy: maskAddress(proxy, MASK) }),
  };
}

function maskText(value: Json): Json {
  return typeof value === "string" ? maskAddress(value, MASK) : value;
}

/** Where `typed` is still what was shown, it means what was behind it. */
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
