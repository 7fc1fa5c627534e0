import type { Network } from "../../../protocol/network-settings.ts";
import type { Reading } from "../../../../platform/ports/reading.ts";
import type { Issue } from "../../../../platform/ports/result.ts";
import type { Json, JsonObject } from "../../../../platform/runtime/json.ts";
import type { Comparison } from "../../../../platform/ports/comparison.ts";
import type { DesiredKeyHandler, KeyOutcome } from "../desired-key.ts";

/** Applies network settings: tries them, and undoes them unless the cloud confirms. */
export interface NetworkKeyTarget {
  /** Which network settings this device supports. A getter where hardware can come and go. */
  readonly can: { readonly proxy: boolean; readonly address: boolean; readonly wifi: boolean; readonly dot1x: boolean };
  /** The current settings, without secrets. */
  observe(): Promise<Reading<JsonObject>>;
  apply(wanted: Network): Promise<KeyOutcome>;
  compare(wanted: Network, observed: Json): Comparison;
  /** See `DesiredKeyHandler`. */
  atRest(): void;
}

/** `network`. Applied as a whole, so it is `unsupported` as a whole when one part is. */
export function networkKey(target: NetworkKeyTarget): DesiredKeyHandler {
  return {
    key: "network",
    lane: "network",
    wanted: ({ network }) => {
      if (network === undefined) return undefined;
      const missing = missingFor(network, target.can);
      return missing === undefined ? { kind: "value", value: network as unknown as Json } : { kind: "unsupported", error: missing };
    },
    observe: () => target.observe(),
    apply: (value) => target.apply(value as unknown as Network),
    compare: (wanted, observed) => target.compare(wanted as unknown as Network, observed),
    atRest: () => target.atRest(),
  };
}

function missingFor({ proxy, interfaces, wifi, dot1x }: Network, can: NetworkKeyTarget["can"]): Issue | undefined {
  const parts = [
    ...(proxy === undefined || can.proxy ? [] : ["a proxy"]),
    ...(interfaces === undefined || can.address ? [] : ["interface addresses"]),
    ...(wifi === undefined || can.wifi ? [] : ["a wireless network"]),
    ...((dot1x === undefined && wifi?.security !== "wpa-eap") || can.dot1x ? [] : ["802.1X"]),
  ];
  return parts.length === 0 ? undefined : { code: "network.not-supported", message: `this device cannot set ${parts.join(" and ")}; no part of the change was tried` };
}
