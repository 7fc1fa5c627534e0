import type { WayToCloud } from "../../cloud/way-to-cloud.ts";
import type { DesiredKeyHandler } from "../desired-key.ts";
import type { Issue } from "../../../../platform/ports/result.ts";

const BUSY = "cloud.way-busy";

/**
 * Wraps a key that changes how the device reaches its cloud: only one such key is applied at a time. The others are
 * `pending` with `cloud.way-busy`, which does not count as a failure.
 */
export function exclusiveKey(handler: DesiredKeyHandler, way: WayToCloud): DesiredKeyHandler {
  const { key } = handler;
  const busy = (holder: string): Issue => ({ code: BUSY, message: `${holder} is being changed; only one setting of the device's way to its cloud is changed at a time` });
  return {
    ...handler,
    wanted: (document) => {
      const wanted = handler.wanted(document);
      const holder = way.holder();
      return wanted?.kind === "value" && holder !== undefined && holder !== key ? { kind: "no-opinion", why: busy(holder) } : wanted;
    },
    apply: async (value, signal) => {
      const release = way.take(key);
      // Another key took it since `wanted` was evaluated.
      if (release === undefined) {
        return { kind: "pending", error: busy(way.holder() ?? "something else") };
      }
      try {
        return await handler.apply(value, signal);
      } finally {
        release();
      }
    },
  };
}
