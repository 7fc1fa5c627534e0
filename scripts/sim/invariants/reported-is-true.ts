import { DISPLAY_PROPERTY_NAMES } from "../../../platform/ports/display-properties.ts";
import { canonicalJson, type Json } from "../../../platform/runtime/json.ts";
import { addressesOf, addressSettingsOf, isUp } from "../../../platform/simulated/simulated-site.ts";
import { panelValue } from "../../../platform/simulated/simulated-panel.ts";
import type { Invariant } from "./invariant.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";

/** The cloud's reported document equals the device's, and its facts about the hardware are true. */
export const reportedIsTrue: Invariant = {
  name: "reported-is-true",
  healed({ devices, home }) {
    for (const device of devices) {
      const { agent, id } = device;
      if (agent === undefined) return `${id} is not running`;
      const own = agent.parts.reported.document();
      const stored = home.store.document(id, "reported");
      for (const section of SETTLED) {
        const here = canonicalJson((own[section] ?? null) as Json);
        const there = canonicalJson(stored?.document[section] ?? null);
        if (here !== there) return `${section} of ${id} is ${here.slice(0, 300)} on the device and ${there.slice(0, 300)} at the cloud`;
      }
      const wrong = wrongAboutHardware(device) ?? wrongAboutNetwork(device);
      if (wrong !== undefined) return `${id} reports ${wrong}`;
    }
    return undefined;
  },
};

/** Sections that do not change by themselves once nothing happens. */
const SETTLED = ["agent", "player", "page", "display", "outputs", "audio", "clock", "network", "schedule", "desired"] as const;

/** Compares the machine's network with the settings that the device reports. */
function wrongAboutNetwork({ agent, world, proxy }: SimulatedDevice): string | undefined {
  const { network, desired } = agent?.parts.reported.document() ?? {};
  const truth = world.state.network;
  const interfaces = Object.fromEntries(
    Object.entries(truth.interfaces).map(([name, { kind, mac }]) => [name, { kind, mac, up: isUp(truth, name), addresses: [...addressesOf(truth, name)].sort() }]),
  );
  const said = canonicalJson(network?.["interfaces"] ?? null);
  if (said !== canonicalJson(interfaces)) return `the interfaces ${said}; they are ${canonicalJson(interfaces)}`;
  const observed = desired?.keys["network"]?.observed;
  const settings = Object.fromEntries(Object.keys(truth.interfaces).map((name) => [name, addressSettingsOf(truth, name)]));
  const { wifi } = truth.settings ?? {};
  // Without a proxy the key is absent, because a merge patch cannot carry null.
  const shown = { ...(proxy !== undefined && { proxy }), interfaces: settings, ...(wifi !== undefined && { wifi: { ssid: wifi.ssid, security: wifi.security } }) };
  const inForce = canonicalJson(JSON.parse(JSON.stringify(shown)) as Json);
  if (observed !== undefined && canonicalJson(observed) !== inForce) return `the network settings ${canonicalJson(observed)}; they are ${inForce}`;
  return undefined;
}

function wrongAboutHardware({ agent, world }: SimulatedDevice): string | undefined {
  const { display, audio, outputs } = agent?.parts.reported.document() ?? {};
  const { state } = world;
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ...DISPLAY_PROPERTY_NAMES.map((name) => [`display.${name}`, display?.[name], panelValue(world, name)] as const),
    ["audio.volume", audio?.volume, state.audio.volume],
    ["audio.mute", audio?.mute, state.audio.mute],
    ...Object.entries(state.outputs).map(([name, { connected }]) => [`outputs.${name}.connected`, outputs?.[name]?.connected, connected] as const),
  ];
  for (const [name, reading, truth] of facts) {
    const said = reading as { readonly kind?: string; readonly value?: unknown } | undefined;
    if (said?.kind !== "ok" || said.value !== truth) return `${name} ${JSON.stringify(reading)}; it is ${JSON.stringify(truth)}`;
  }
  return undefined;
}
