import { reachesCloud } from "../../../platform/simulated/simulated-site.ts";
import { siteIsWell } from "../site.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";
import type { Invariant } from "./invariant.ts";

/** A trial lasts three minutes, and is begun again after a while; between two of them the device is back. */
const STRANDED_MAX_MS = 8 * 60_000;
const LOOK_EVERY_MS = 15_000;

/**
 * A device stays on network settings that lead nowhere no longer than a trial, however often its agent starts meanwhile.
 * The time counts while nothing but the settings is in the way, no cable, no site, no machine that refuses; it begins anew
 * once the cloud can be reached or the power is off.
 */
export const neverStranded: Invariant = {
  name: "never-stranded",
  watch({ sim, devices }, breach) {
    for (const device of devices) {
      const cutOff: { forMs: number; seenMs: number } = { forMs: 0, seenMs: sim.time.monotonicMs() };
      const look = (): void => {
        sim.time.after("sim.stranded", LOOK_EVERY_MS, look);
        const nowMs = sim.time.monotonicMs();
        const way = wayOf(device);
        // Between two of its agents: what it is then belongs to the next.
        if (way === "nobody-to-ask") return;
        if (way === "open") cutOff.forMs = 0;
        else if (way === "closed-by-settings") cutOff.forMs += nowMs - cutOff.seenMs;
        cutOff.seenMs = nowMs;
        if (cutOff.forMs <= STRANDED_MAX_MS) return;
        const { settings } = device.world.state.network;
        breach(`${device.id} is cut off for ${cutOff.forMs} ms by its own settings: proxy ${device.proxy ?? "none"}, ${JSON.stringify(settings)}`);
      };
      look();
    }
  },
};

type Way = "open" | "closed-by-settings" | "closed-by-others" | "nobody-to-ask";

function wayOf({ agent, off, world, proxy }: SimulatedDevice): Way {
  const { network } = world.state;
  if (off) return "open";
  // A process that only starts has not read yet which proxy it is to use.
  if (agent === undefined) return "nobody-to-ask";
  // A cable that is out says nothing about the settings: they are judged as if it were in.
  if (reachesCloud({ ...network, link: "up" }, proxy)) return "open";
  if (network.link !== "up" || (network.settingsMood ?? "obeys") !== "obeys" || !siteIsWell(network)) return "closed-by-others";
  return "closed-by-settings";
}
