import { fail, ok, type Result } from "../ports/result.ts";
import type { SetupAccessPoint, VisibleNetwork, WifiSetup } from "../ports/wifi-setup.ts";
import { toHex, utf8 } from "../runtime/encoding.ts";
import { isUp, wifiInterfaceOf } from "./simulated-site.ts";
import type { SimulatedWorld } from "./world.ts";

const WORST_CASE_MS = 1_000;
const ADDRESS = "10.42.0.1/24";
const SIGNAL_PERCENT = 70;

/** Set-up of a wireless network on the simulated machine: the access points are those of the world's site. */
export function simulatedWifiSetup(world: SimulatedWorld): WifiSetup & { readonly open: () => SetupAccessPoint | undefined } {
  let opened: SetupAccessPoint | undefined;
  const adapter = (): Result<string> => {
    const name = wifiInterfaceOf(world.state.network);
    return name === undefined ? fail("network.not-supported", "there is no wireless adapter") : ok(name);
  };
  return {
    worstCaseMs: WORST_CASE_MS,
    /** For tests: the access point that guests would see. */
    open: () => opened,
    uplinks: () => {
      const { network } = world.state;
      const cables = Object.keys(network.interfaces).filter((name) => network.interfaces[name]?.kind === "ethernet");
      const knownWifi = network.settings?.wifi !== undefined;
      return Promise.resolve(ok({ cable: network.link === "up" && !knownWifi && cables.length > 0, knownWifi, connected: Object.keys(network.interfaces).some((name) => isUp(network, name)) }));
    },
    scan: () => {
      const found = adapter();
      if (!found.ok) return Promise.resolve(found);
      const networks = (world.state.network.site?.accessPoints ?? []).map(({ ssid, security }): VisibleNetwork => ({ ssid, ssidHex: toHex(utf8(ssid)), signalPercent: SIGNAL_PERCENT, security }));
      return Promise.resolve(ok(networks));
    },
    openAccessPoint: (wanted) => {
      const found = adapter();
      if (!found.ok) return Promise.resolve(found);
      opened = wanted;
      return Promise.resolve(ok({ interface: found.value, address: ADDRESS }));
    },
    closeAccessPoint: () => {
      opened = undefined;
      return Promise.resolve(ok(undefined));
    },
  };
}
