import { reachesCloud } from "../../../platform/simulated/simulated-site.ts";
import { siteIsWell } from "../site.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";
import type { Invariant } from "./invariant.ts";

/** A trial lasts three minutes and may be repeated later; in between the device is on working settings. */
const STRANDED_MAX_MS = 8 * 60_000;
const LOOK_EVERY_MS = 15_000;

/**
 * A device keeps network settings that do not work for no longer than a trial, however often its agent restarts. Time counts
 * only while the settings alone prevent a connection, not a cable, the site or a refusing machine. It starts anew once the
 * cloud can be reached or the power is off.
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
        // Between two agent processes nothing can be told.
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
  // A starting process has not read its proxy yet.
  if (agent === undefined) return "nobody-to-ask";
  // An unplugged cable does not matter to the settings, which are judged as if it were plugged in.
  if (reachesCloud({ ...network, link: "up" }, proxy)) return "open";
  if (network.link !== "up" || (network.settingsMood ?? "obeys") !== "obeys" || !siteIsWell(network)) return "closed-by-others";
  return "closed-by-settings";
}
