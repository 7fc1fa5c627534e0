import * as v from "valibot";
import { CEC_KEY_NAMES, CEC_KEYS } from "../ports/cec-keys.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { onWifi, unboxed, withAccessPoint, withProxies } from "./simulated-site.ts";
import { OWN_ADDRESS, TV_ADDRESS, useRemote } from "./simulated-tv.ts";
import type { WorldControls } from "./world-controls.ts";
import { describeIssue, runHook } from "./world-input.ts";
import { displayMood, FACTORY_SOFTWARE, HEALTHY_CARD, remoteSettings, TV_OUTPUT } from "./world-state.ts";

/** Something a person can do to the simulated device, described for a user interface. */
export interface SimulatedAction {
  /** Stable, dotted: `display.mood`. */
  readonly name: string;
  /** Label of its button. */
  readonly label: string;
  /** Tool tip. */
  readonly help: string;
  /** Actions of one group are shown together. */
  readonly group: "display" | "gpio" | "machine" | "network" | "clock" | "player";
  /** Object schema of `params`. Every field is required or has a default. */
  readonly params: v.GenericSchema;
  run(world: WorldControls, params: unknown): Result<void>;
}

function action<S extends v.GenericSchema>(
  group: SimulatedAction["group"],
  name: string,
  label: string,
  help: string,
  params: S,
  act: (world: WorldControls, params: v.InferOutput<S>) => Result<void> | void,
): SimulatedAction {
  return {
    name,
    label,
    help,
    group,
    params,
    run(world, input) {
      const parsed = v.safeParse(params, input);
      if (!parsed.success) return fail("simulated.bad-action", `${name}: ${describeIssue(parsed.issues[0])}`);
      return act(world, parsed.output) ?? ok(undefined);
    },
  };
}

const none = v.strictObject({});
const line = v.pipe(v.string(), v.regex(/^GPIO(?:[2-9]|1\d|2[0-7])$/, "a line from GPIO2 to GPIO27"));
const wholeNumber = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const displayActions: readonly SimulatedAction[] = [
  action(
    "display",
    "display.mood",
    "TV mood",
    "How the TV treats what it is told: obey, stay silent, answer late, acknowledge and do nothing, refuse, or be unplugged.",
    v.strictObject({ mood: displayMood }),
    (world, { mood }) => world.setMood(mood),
  ),
  action(
    "display",
    "display.latency",
    "TV latency",
    "Time until the TV answers a message. CEC gives it 1,000 ms.",
    v.strictObject({ latencyMs: wholeNumber(0, 10_000) }),
    (world, { latencyMs }) => world.updateDisplay({ latencyMs }),
  ),
  action(
    "display",
    "display.remote",
    "Use the TV's remote",
    "What a person in the shop does to the TV: the device has to notice.",
    v.strictObject({ power: v.optional(v.picklist(["on", "standby"])), ...v.partial(remoteSettings).entries }),
    (world, change) => useRemote(world, change),
  ),
  action(
    "display",
    "cec.key",
    "Press a key of the TV's remote",
    "A key that the TV does not use itself: it passes it on to the device.",
    v.strictObject({ key: v.picklist(CEC_KEY_NAMES), holdMs: v.optional(wholeNumber(1, 60_000), 200) }),
    (world, { key, holdMs }) => world.holdRemoteKey(CEC_KEYS[key], holdMs),
  ),
  action(
    "display",
    "cec.message",
    "Say something on HDMI-CEC",
    "A message of the TV (source 0) or another device, for the device (destination 4) or everybody (15).",
    v.strictObject({
      source: v.optional(wholeNumber(0, 15), TV_ADDRESS),
      destination: v.optional(v.picklist([OWN_ADDRESS, 15]), 15),
      opcode: wholeNumber(0, 255),
      operands: v.optional(v.pipe(v.array(wholeNumber(0, 255)), v.maxLength(14)), []),
    }),
    (world, { operands, ...message }) => world.sayOnCec({ ...message, operands: Uint8Array.from(operands) }),
  ),
  action(
    "display",
    "hdmi.pull",
    "Pull the HDMI cable",
    "No hot-plug signal: the output is disconnected and CEC has no address.",
    v.strictObject({ output: v.optional(v.string(), TV_OUTPUT) }),
    (world, { output }) => world.plug(output, false),
  ),
  action(
    "display",
    "hdmi.plug",
    "Plug the HDMI cable in",
    "The TV comes back in the mood it had.",
    v.strictObject({ output: v.optional(v.string(), TV_OUTPUT) }),
    (world, { output }) => world.plug(output, true),
  ),
];

const gpioActions: readonly SimulatedAction[] = [
  action(
    "gpio",
    "gpio.press",
    "Press a button",
    "A push button between the line and the opposite of its resting level; its contacts bounce.",
    v.strictObject({ line, holdMs: v.optional(wholeNumber(1, 60_000), 200), bounces: v.optional(wholeNumber(0, 20), 2) }),
    (world, { line: name, holdMs, bounces }) => world.pressButton(name, holdMs, bounces),
  ),
  action(
    "gpio",
    "gpio.external",
    "Set a switch",
    "A switch that drives the line from outside, or null to let go of it.",
    v.strictObject({ line, level: v.nullable(v.picklist([0, 1])) }),
    (world, params) => world.updateLine(params.line, { external: params.level }),
  ),
  action(
    "gpio",
    "gpio.wire",
    "Wire an output to an input",
    "The input follows the output; null takes the wire away.",
    v.strictObject({ line, to: v.nullable(line) }),
    (world, params) => {
      if (params.line === params.to) return fail("simulated.bad-action", "a line cannot be wired to itself");
      return world.updateLine(params.line, { wiredTo: params.to });
    },
  ),
  action(
    "gpio",
    "gpio.mood",
    "Break the header",
    "Broken: the kernel refuses every access to a line.",
    v.strictObject({ mood: v.picklist(["normal", "broken"]) }),
    (world, { mood }) => world.update({ gpio: { ...world.state.gpio, mood } }),
  ),
];

const machineActions: readonly SimulatedAction[] = [
  action(
    "machine",
    "temperature.overheat",
    "Overheat",
    "The processor gets this much hotter than it rests at.",
    v.strictObject({ extraC: v.optional(wholeNumber(1, 100), 45) }),
    (world, { extraC }) => world.update({ temperature: { ...world.state.temperature, extraC } }),
  ),
  action("machine", "temperature.cool", "Cool down", "Back to the resting temperature.", none, (world) =>
    world.update({ temperature: { ...world.state.temperature, extraC: 0 } }),
  ),
  action(
    "machine",
    "supply.set",
    "Power supply",
    "A supply that is too weak, and what the firmware does about it: it lowers the processor's clock.",
    v.strictObject({ undervoltage: v.boolean(), throttled: v.optional(v.boolean(), false) }),
    (world, supply) => world.update({ supply }),
  ),
  action(
    "machine",
    "card.errors",
    "Errors of the file system",
    "The file system finds this many more errors. They are remembered until it is repaired.",
    v.strictObject({ count: v.optional(wholeNumber(1, 1_000), 1) }),
    (world, { count }) => {
      const card = world.state.card ?? HEALTHY_CARD;
      const lastErrorMs = Math.max(0, world.wallMs());
      return world.update({ card: { ...card, errors: Math.min(1_000_000, card.errors + count), firstErrorMs: card.firstErrorMs ?? lastErrorMs, lastErrorMs } });
    },
  ),
  action("machine", "card.replace", "Replace the card", "A new card, with everything that was on the old one.", none, (world) =>
    world.update({ card: HEALTHY_CARD }),
  ),
  action(
    "machine",
    "card.wear",
    "Wear of the card",
    "The used share of its rated life (110: exceeded), and its blocks in reserve.",
    v.strictObject({ lifeUsedPercent: v.picklist([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]), reserve: v.optional(v.picklist(["normal", "warning", "urgent"]), "normal") }),
    (world, wear) => world.update({ card: { ...(world.state.card ?? HEALTHY_CARD), ...wear } }),
  ),
  action(
    "machine",
    "card.mood",
    "Mood of the card",
    "What becomes of a block that is written and read back. The agent's own writes still work.",
    v.strictObject({ mood: v.picklist(["normal", "slow", "hangs", "wrong-data", "unwritable"]) }),
    (world, { mood }) => world.update({ card: { ...(world.state.card ?? HEALTHY_CARD), mood } }),
  ),
  action(
    "machine",
    "pressure.set",
    "Pressure",
    "Share of time in which tasks wait for the processor, for memory or for the disk.",
    v.strictObject({ cpuPercent: v.optional(wholeNumber(0, 100), 0), memoryPercent: v.optional(wholeNumber(0, 100), 0), ioPercent: v.optional(wholeNumber(0, 100), 0) }),
    (world, pressure) => world.update({ pressure }),
  ),
  action("machine", "disk.fill", "Fill the disk", "The probe sees no free byte.", none, (world) =>
    world.update({ disk: { ...world.state.disk, mood: "full" } }),
  ),
  action("machine", "disk.free", "Free the disk", "The free space returns.", none, (world) =>
    world.update({ disk: { ...world.state.disk, mood: "roomy" } }),
  ),
  action(
    "machine",
    "power.mood",
    "Reboots",
    "Whether a request to reboot or shut down is obeyed, taken and ignored, refused, or hangs until a forced reset.",
    v.strictObject({ mood: v.picklist(["obeys", "ignored", "refused", "hangs"]) }),
    (world, { mood }) => world.update({ power: { ...world.state.power, mood } }),
  ),
  action(
    "machine",
    "software.mood",
    "New releases",
    "What a release does while it is on trial: works, ends again and again, or does not reach the cloud.",
    v.strictObject({ mood: v.picklist(["good", "crashes", "cut-off"]) }),
    (world, { mood }) => world.update({ software: { ...(world.state.software ?? FACTORY_SOFTWARE), mood } }),
  ),
  action(
    "machine",
    "power.cut",
    "Pull the plug",
    "The power goes: the software dies without a word and the next start is a new boot.",
    none,
    (world) => {
      if (world.hooks.onPowerCut === undefined) return runHook("cut the power", undefined);
      // The boot follows at the next start of the software; the dying one must not see a new boot id.
      world.update({ power: { ...world.state.power, pending: "reboot" } });
      return runHook("cut the power", world.hooks.onPowerCut);
    },
  ),
];

const accessPoint = {
  ssid: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(32), v.maxBytes(32)), "Shop"),
  security: v.optional(v.picklist(["open", "wpa-psk", "wpa3-sae"]), "wpa-psk"),
  password: v.optional(v.pipe(v.string(), v.maxLength(63)), "shop-password"),
};

const siteActions: readonly SimulatedAction[] = [
  action(
    "network",
    "network.access-point",
    "Access point",
    "The site's wireless network appears, gets another password, or is switched off. The device needs the same settings.",
    v.strictObject({ ...accessPoint, on: v.optional(v.boolean(), true) }),
    (world, { on, ...point }) => world.update({ network: withAccessPoint(world.state.network, point, on) }),
  ),
  action(
    "network",
    "network.on-wifi",
    "Put the device on Wi-Fi",
    "Plugs in a wireless adapter, pulls the Ethernet cable and joins this network, which is there.",
    v.strictObject(accessPoint),
    (world, point) => world.update({ network: onWifi(world.state.network, point) }),
  ),
  action(
    "network",
    "network.unboxed",
    "Take the device out of its box",
    "A wireless adapter, no cable and no known network; this network is in range. A device without an owner then opens its set-up network.",
    v.strictObject(accessPoint),
    (world, point) => world.update({ network: unboxed(world.state.network, point) }),
  ),
  action(
    "network",
    "network.router",
    "Move the router",
    "The site's gateway gets another address. DHCP follows; an address set by hand is cut off.",
    v.strictObject({ gateway: v.pipe(v.string(), v.ipv4()) }),
    (world, { gateway }) => world.update({ network: { ...world.state.network, gateway } }),
  ),
  action(
    "network",
    "network.proxies",
    "Proxies of the site",
    "The addresses of proxies that let the device through. Any other proxy cuts it off.",
    v.strictObject({ proxies: v.pipe(v.array(v.pipe(v.string(), v.maxLength(512))), v.maxLength(16)) }),
    (world, { proxies }) => world.update({ network: withProxies(world.state.network, proxies) }),
  ),
  action(
    "network",
    "network.settings-mood",
    "Network settings",
    "Whether the machine takes network settings, refuses them, or takes them and says that it did not.",
    v.strictObject({ mood: v.picklist(["obeys", "refuses", "half"]) }),
    (world, { mood }) => world.update({ network: { ...world.state.network, settingsMood: mood } }),
  ),
];

const otherActions: readonly SimulatedAction[] = [
  action("network", "network.cut", "Cut the network", "The link goes down; addresses and gateway with it.", none, (world) =>
    world.update({ network: { ...world.state.network, link: "down" } }),
  ),
  action("network", "network.restore", "Restore the network", "The link comes up again.", none, (world) =>
    world.update({ network: { ...world.state.network, link: "up" } }),
  ),
  action(
    "clock",
    "clock.step",
    "Step the clock",
    "Moves the device's wall clock alone, forwards or backwards.",
    v.strictObject({ byMs: wholeNumber(-2e12, 2e12) }),
    (world, { byMs }) => {
      const offsetMs = world.state.clock.offsetMs + byMs;
      if (Math.abs(offsetMs) > 4e12) return fail("simulated.bad-action", "clock.step: the clock would be out of range");
      return world.update({ clock: { ...world.state.clock, offsetMs } });
    },
  ),
  action(
    "clock",
    "clock.quality",
    "Clock quality",
    "What the time service says; anything but synced also stops it from correcting the clock.",
    v.strictObject({ quality: v.picklist(["unset", "local", "synced"]) }),
    (world, { quality }) => world.update({ clock: { ...world.state.clock, quality, sync: quality === "synced" ? "automatic" : "never" } }),
  ),
  action(
    "clock",
    "clock.zone",
    "Time zone",
    "IANA name of the machine's zone.",
    v.strictObject({ zone: v.pipe(v.string(), v.maxLength(64), v.regex(/^[A-Za-z0-9_+\-/]+$/, "an IANA zone name")) }),
    (world, { zone }) => world.update({ clock: { ...world.state.clock, zone } }),
  ),
  action("player", "player.freeze", "Freeze the player", "The player's process stops running and stays in memory.", none, (world) =>
    runHook("freeze the player", world.hooks.onFreezePlayer),
  ),
  action("player", "player.kill", "Kill the player", "The player's process ends at once.", none, (world) =>
    runHook("kill the player", world.hooks.onKillPlayer),
  ),
];

/** Every action, in the order in which a user interface shows them. */
export const simulatedActions: readonly SimulatedAction[] = [...displayActions, ...gpioActions, ...machineActions, ...siteActions, ...otherActions];

/** Runs an action by name. Checks both arguments, which are untrusted. */
export function runSimulatedAction(world: WorldControls, name: unknown, params: unknown): Result<void> {
  const known = simulatedActions.find((candidate) => candidate.name === name);
  if (known === undefined) {
    return fail("simulated.bad-action", "no such action", `one of ${simulatedActions.map((candidate) => candidate.name).join(", ")}`);
  }
  return known.run(world, params);
}
