import { isJsonObject, type JsonObject } from "../../../../platform/runtime/json.ts";

/** Stands where a secret is. No printable ASCII: should it ever be sent as a password, the schema refuses it. */
export const MASK = "••••••••";
/** The password in an address: between the name and the host. */
const USER_INFO = /^(https?:\/\/[^\s/?#:@]*:)([^\s/?#]*)(@)/i;

/** The document as a screen may show it: anybody may look over the shoulder of whoever reads it. */
export function maskSecrets(document: JsonObject): JsonObject {
  return changeNetwork(document, (network) => {
    const { wifi, proxy } = network;
    return {
      ...network,
      ...(isJsonObject(wifi) && Object.hasOwn(wifi, "password") && { wifi: { ...wifi, password: MASK } }),
      ...(typeof proxy === "string" && { proxy: proxy.replace(USER_INFO, `$1${MASK}$3`) }),
    };
  });
}

/**
 * What a person typed upon a masked document, with the secrets of `base` where the mask was left. A mask that stands for
 * nothing there (another network was typed over it) stays, and is refused by the schema.
 */
export function restoreSecrets(typed: JsonObject, base: JsonObject): JsonObject {
  const known = isJsonObject(base["network"]) ? base["network"] : {};
  return changeNetwork(typed, (network) => {
    const { wifi, proxy } = network;
    const { wifi: wifiBefore, proxy: proxyBefore } = known;
    const sameWifi = isJsonObject(wifi) && wifi["password"] === MASK && isJsonObject(wifiBefore) && wifiBefore["ssid"] === wifi["ssid"] && wifiBefore["password"] !== undefined;
    const sameProxy = typeof proxy === "string" && typeof proxyBefore === "string" && proxy === proxyBefore.replace(USER_INFO, `$1${MASK}$3`);
    return {
      ...network,
      ...(sameWifi && { wifi: { ...wifi, password: wifiBefore["password"] ?? MASK } }),
      ...(sameProxy && { proxy: proxyBefore }),
    };
  });
}

function changeNetwork(document: JsonObject, change: (network: JsonObject) => JsonObject): JsonObject {
  const { network } = document;
  return isJsonObject(network) ? { ...document, network: change(network) } : document;
}
