import * as v from "valibot";
import type { Clock } from "../ports/clock.ts";
import type { NetworkChangeSettings, NetworkSettings } from "../ports/network-settings.ts";
import { seen } from "../ports/reading.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { accessPointOf, addressSettingsOf, wifiInterfaceOf } from "./simulated-site.ts";
import { sameJson } from "../runtime/json.ts";
import { simulatedNetworkSettings, type SimulatedNetworkState } from "./world-state.ts";
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
    if (settings.dot1x !== undefined || settings.wifi?.security === "wpa-eap") return fail("network.not-supported", "the simulated machine has no 802.1X");
    return undefined;
  };
  return {
    // A getter, because a wireless adapter can be plugged in at run time.
    get capabilities() {
      return { address: true, wifi: wifiInterfaceOf(now()) !== undefined, dot1x: false };
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
      if (settingsMood === "half") return Promise.resolve(fail("network.refused", "the simulated machine reports a failure half-way"));
      return Promise.resolve(joinable(now(), settings.wifi));
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

/** A radio notices at once what is not there or refuses the password; a cable has no such answer. */
function joinable({ site }: SimulatedNetworkState, wifi: NetworkChangeSettings["wifi"]): Result<void> {
  if (wifi === undefined) return ok(undefined);
  const point = site?.accessPoints.find(({ ssid }) => ssid === wifi.ssid);
  if (point === undefined) return fail("network.not-in-range", "the wireless network is not in range");
  return sameJson({ ...point }, { ...accessPointOf(wifi) }) ? ok(undefined) : fail("network.wrong-password", "the wireless network refused the password");
}
