import type { Network } from "../../protocol/network-settings.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import type { Json, JsonObject } from "../../../platform/runtime/json.ts";
import type { Comparison } from "../../../platform/ports/comparison.ts";
import type { NetworkKeyTarget } from "../state/keys/network-key.ts";
import type { NetworkChange } from "./network-change.ts";
import type { NetworkChangeDeps } from "./network-change-deps.ts";
import { agrees } from "./network-view.ts";

/** Applies `network` of the desired document through the network change. */
export function networkTarget(change: NetworkChange, { settings, proxy }: Pick<NetworkChangeDeps, "settings" | "proxy">, clock: Clock): NetworkKeyTarget {
  return {
    get can() {
      return { proxy: proxy !== undefined, address: settings?.capabilities.address === true, wifi: settings?.capabilities.wifi === true, dot1x: settings?.capabilities.dot1x === true };
    },
    observe: () => change.observe(),
    atRest: () => change.forgiven(),
    apply: async (wanted) => {
      const { status, error, observed } = await change.apply(wanted);
      const reading = observed === undefined ? ({ kind: "unknown", why: "the current settings could not be read" } as const) : ({ kind: "ok", value: observed as JsonObject, atMs: clock.monotonicMs() } as const);
      return { kind: "effect", effect: { attempted: true, acknowledged: status === "applied", observed: reading, ...(error === undefined ? {} : { error }) } };
    },
    // Observed settings have no secrets, so agreement alone does not prove that they are the same.
    compare: (wanted: Network, observed: Json): Comparison => (agrees(wanted, observed) && change.isConfirmed(wanted) ? "same" : "different"),
  };
}
