import * as v from "valibot";
import type { Clock } from "../ports/clock.ts";
import type { NetworkChangeSettings, NetworkSettings } from "../ports/network-settings.ts";
import { seen } from "../ports/reading.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { accessPointOf, addressSettingsOf, wifiInterfaceOf } from "./simulated-site.ts";
import { simulatedNetworkSettings } from "./world-state.ts";
import type { SimulatedWorld } from "./world.ts";

const WORST_CASE_MS = 1_000;

/**
 * Network settings of the simulated machine. They apply at once and survive a restart; whether they work depends on the
 * world's site. Unlike a real machine it never reverts by itself: the caller that tried settings must.
 */
export function simulatedNetworkSettingsPort(world: SimulatedWorld, clock: Clock): NetworkSettings {
  const now = () => world.state.network;
  const refusal = (settings: NetworkChangeSettings): Result<never> | undefined => {
    const stranger = Object.keys(settings.interfaces ?? {}).find((name) => !Object.hasOwn(now().interfaces, name));
    if (stranger !== undefined) return fail("network.no-such-interface", `there is no interface ${stranger}`, `one of ${Object.keys(now().interfaces).join(", ")}`);
    if (settings.wifi !== undefined && wifiInterfaceOf(now()) === undefined) return fail("network.not-supported", "there is no wireless adapter");
    return undefined;
  };
  return {
    // A getter, because a wireless adapter can be plugged in at run time.
    get capabilities() {
      return { address: true, wifi: wifiInterfaceOf(now()) !== undefined };
    },
    worstCaseMs: WORST_CASE_MS,
    current: () => {
      const network = now();
      const wifi = network.settings?.wifi;
      const interfaces = Object.fromEntries(Object.keys(network.interfaces).map((name) => [name, addressSettingsOf(network, name)]));
      return Promise.resolve(seen({ interfaces, ...(wifi === undefined ? {} : { wifi: { ssid: wifi.ssid, security: wifi.security } }) }, clock.monotonicMs()));
    },
    checkpoint: (settings) => Promise.resolve(refusal(settings) ?? ok({ settings: { ...(now().settings ?? { interfaces: {} }) } })),
    apply: (settings) => {
      const refused = refusal(settings);
      if (refused !== undefined) return Promise.resolve(refused);
      const { settingsMood, settings: before } = now();
      if (settingsMood === "refuses") return Promise.resolve(fail("network.refused", "the simulated machine rejects network settings"));
      const wifi = settings.wifi === undefined ? before?.wifi : accessPointOf(settings.wifi);
      const interfaces = { ...before?.interfaces, ...settings.interfaces };
      world.update({ network: { ...now(), settings: { interfaces, ...(wifi === undefined ? {} : { wifi }) } } });
      return Promise.resolve(settingsMood === "half" ? fail("network.refused", "the simulated machine reports a failure half-way") : ok(undefined));
    },
    restore: (checkpoint) => {
      const settings = v.safeParse(simulatedNetworkSettings, checkpoint["settings"]);
      if (!settings.success) return Promise.resolve(fail("network.refused", "this is not a checkpoint of the simulated machine"));
      world.update({ network: { ...now(), settings: settings.output } });
      return Promise.resolve(ok(undefined));
    },
    keep: () => Promise.resolve(ok(undefined)),
  };
}
