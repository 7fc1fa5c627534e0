import { siteIsWell } from "../site.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";
import type { Invariant } from "./invariant.ts";

/** A trial lasts three minutes, and is begun again after a while; between two of them the device is back. */
const STRANDED_MAX_MS = 8 * 60_000;

/**
 * A running device stays on network settings that lead nowhere no longer than a trial, as long as nothing but the settings is
 * in the way: no cable, no site, no machine that refuses.
 */
export const neverStranded: Invariant = {
  name: "never-stranded",
  watch({ sim, devices }, breach) {
    for (const device of devices) {
      const since: { atMs: number; life: number } = { atMs: 0, life: 0 };
      const look = (): void => {
        sim.time.after("sim.stranded", 15_000, look);
        const nowMs = sim.time.monotonicMs();
        if (!isCutOffBySettings(device) || device.lives !== since.life) {
          since.atMs = nowMs;
          since.life = device.lives;
        } else if (nowMs - since.atMs > STRANDED_MAX_MS) {
          const { settings } = device.world.state.network;
          breach(`${device.id} is cut off for ${nowMs - since.atMs} ms by its own settings: proxy ${device.proxy ?? "none"}, ${JSON.stringify(settings)}`);
        }
      };
      look();
    }
  },
};

function isCutOffBySettings({ alive, world, proxy }: SimulatedDevice): boolean {
  const { network } = world.state;
  if (!alive || network.link !== "up" || (network.settingsMood ?? "obeys") !== "obeys") return false;
  return siteIsWell(network) && !world.reachesCloud(proxy);
}
