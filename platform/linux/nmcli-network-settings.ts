import * as v from "valibot";
import type { Clock, ClockQuality } from "../ports/clock.ts";
import type { AddressSettings, CurrentDot1x, CurrentNetwork, Dot1xAccess, Dot1xRenewal, Dot1xSettings, NetworkChangeSettings, NetworkCheckpoint, NetworkSettings, WifiSettings } from "../ports/network-settings.ts";
import { failed, seen, type Reading } from "../ports/reading.ts";
import type { WifiSetup } from "../ports/wifi-setup.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";
import { systemdCertificates, type DeviceCertificates } from "./device-certificates.ts";
import { accessOfKept, NmcliDot1x, type KeptDot1x } from "./nmcli-dot1x.ts";
import { pskOf } from "./nmcli-password.ts";
import { NmcliWifiSetup, securityOf, takes } from "./nmcli-wifi-setup.ts";
import { Nmcli, nmRefused, type NmDevice, type NmProfile } from "./nmcli.ts";

const WORST_CASE_MS = 180_000;
/** Of a kept profile, unless another profile has it too: then higher than that one. */
const KEPT_PRIORITY = 100;
const PRIORITY_MAX = 999;
/**
 * The interface that the stored form of a trial is for, and no machine has. What is stored cannot connect, and NetworkManager
 * still makes its default profile for a cable, which it does only when no stored profile fits.
 */
const NO_INTERFACE = "vitrine-trial";
/** What a checkpoint records of a profile: with it the addresses can be set anew, should the profile itself be gone. */
const RECORDED = [
  "ipv4.addresses", "ipv4.gateway", "ipv4.dns", "ipv4.dns-search", "ipv4.routes", "ipv4.route-metric", "ipv4.never-default", "ipv4.method",
  "ipv6.addresses", "ipv6.gateway", "ipv6.dns", "ipv6.dns-search", "ipv6.routes", "ipv6.route-metric", "ipv6.never-default", "ipv6.method",
];
const RECORDED_OF_CABLES = ["802-3-ethernet.mtu", "802-3-ethernet.cloned-mac-address"];
/** By these a profile is the recorded one under another name. */
const COMPARED = ["ipv4.addresses", "ipv4.gateway", "ipv4.dns", "ipv4.method", "ipv6.method"];
/**
 * How long NetworkManager asks whether a static address is in use already; then the activation fails. By default it does not
 * ask, and one wrong digit takes the router's address from it.
 */
const DUPLICATE_CHECK_MS = "1000";
const DUPLICATE_CHECK_DEFAULT = "-1";
const PROFILE_FIELDS = ["ipv4.method", "ipv4.addresses", "ipv4.gateway", "ipv4.dns"];
const WIFI_SSID = "802-11-wireless.ssid";
const WIFI_HIDDEN = "802-11-wireless.hidden";
const WIFI_FIELDS = [WIFI_SSID, "802-11-wireless-security.key-mgmt"];
const KEY_MANAGEMENT: Readonly<Record<Exclude<WifiSettings["security"], "open">, string>> = { "wpa-psk": "wpa-psk", "wpa3-sae": "sae", "wpa-eap": "wpa-eap" };

const UuidSchema = v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/));
/** `before` is missing in checkpoints of versions up to 0.9. */
const CheckpointSchema = v.object({
  devices: v.record(v.string(), v.nullable(UuidSchema)),
  before: v.optional(v.record(v.string(), v.object({ autoconnect: v.boolean(), properties: v.record(v.string(), v.string()) })), {}),
});
type Before = v.InferOutput<typeof CheckpointSchema>["before"][string];

export interface NmcliPorts {
  readonly networkSettings: NetworkSettings;
  readonly wifiSetup: WifiSetup;
}

export interface NmcliOptions {
  /** Default: those of the device. */
  readonly certificates?: DeviceCertificates;
  /** Default: the clock is not confirmed. */
  readonly clockQuality?: () => Promise<ClockQuality>;
}

/**
 * The ports that NetworkManager gives; `undefined` if this machine does not use it or it does not let us change settings. At boot it may
 * come after us, and a radio after it: the ports ask each time, and until then answer with its error.
 */
export async function openNmcli(run: CommandRunner, clock: Clock, options: NmcliOptions = {}): Promise<NmcliPorts | undefined> {
  const { certificates = systemdCertificates(run, clock), clockQuality = () => Promise.resolve("local") } = options;
  const nmcli = new Nmcli(run);
  const standing = await nmcli.standing();
  if (standing === "not-ours" || standing === "absent") return undefined;
  // What is there is known from the start; a failure is told by the first use.
  if (standing === "ours") await nmcli.devices();
  return { networkSettings: new NmcliNetworkSettings(nmcli, clock, new NmcliDot1x(nmcli, clock, clockQuality, certificates)), wifiSetup: new NmcliWifiSetup(nmcli) };
}

/**
 * A change creates a separate profile and leaves the previously active one untouched; restoring means activating that one
 * again. Until it is kept, our profile is stored for no interface, and only its form in memory is for the real one: a machine
 * that boots in between uses what it used before, and a holder of the checkpoint can still keep the change.
 */
class NmcliNetworkSettings implements NetworkSettings {
  readonly worstCaseMs = WORST_CASE_MS;
  readonly #nmcli: Nmcli;
  readonly #clock: Clock;
  readonly #dot1x: NmcliDot1x;
  readonly dot1x = { access: () => this.#access(), renewals: () => this.#renewals(), askAgain: () => this.#askAgain() };

  constructor(nmcli: Nmcli, clock: Clock, dot1x: NmcliDot1x) {
    this.#nmcli = nmcli;
    this.#clock = clock;
    this.#dot1x = dot1x;
  }

  get capabilities(): NetworkSettings["capabilities"] {
    return { address: true, wifi: this.#nmcli.seesWifi, dot1x: true };
  }

  async current(): Promise<Reading<CurrentNetwork>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return failed(devices.error);
    const interfaces: Record<string, AddressSettings> = {};
    let joined: CurrentNetwork["wifi"];
    const wired: Record<string, CurrentDot1x> = {};
    for (const device of devices.value) {
      const address = await this.#address(device);
      if (!address.ok) return failed(address.error);
      if (address.value === undefined) continue;
      interfaces[device.name] = address.value.settings;
      joined ??= address.value.wifi;
      if (address.value.dot1x !== undefined) wired[device.name] = address.value.dot1x;
    }
    const current = { interfaces, ...(joined === undefined ? {} : { wifi: joined }), ...(Object.keys(wired).length === 0 ? {} : { dot1x: wired }) };
    return seen(current, this.#clock.monotonicMs());
  }

  async checkpoint(settings: NetworkChangeSettings): Promise<Result<NetworkCheckpoint>> {
    const devices = await this.#concerned(settings);
    if (!devices.ok) return devices;
    const before: Record<string, Before> = {};
    for (const device of devices.value) {
      const recorded = await this.#record(device);
      if (!recorded.ok) return nmRefused(recorded.error);
      before[device.name] = recorded.value;
    }
    return ok({ devices: Object.fromEntries(devices.value.map(({ name, uuid }) => [name, uuid ?? null])), before });
  }

  async apply(settings: NetworkChangeSettings): Promise<Result<void>> {
    const devices = await this.#concerned(settings);
    if (!devices.ok) return devices;
    for (const device of devices.value) {
      const applied = settings.renew?.includes(device.name) === true ? await this.#renew(device) : await this.#applyTo(device, settings);
      if (!applied.ok) return nmRefused(applied.error);
    }
    return ok(undefined);
  }

  async restore(checkpoint: NetworkCheckpoint): Promise<Result<void>> {
    const devices = await this.#named(checkpoint);
    if (!devices.ok) return devices;
    for (const named of devices.value) {
      const back = await this.#activateOld(named);
      // The trial goes even when the old settings do not come up: with them in force the machine may still find its way.
      const gone = await this.#nmcli.deleteNamed(trialName(named.device.name));
      if (!back.ok) return nmRefused(back.error);
      if (!gone.ok) return nmRefused(gone.error);
    }
    return ok(undefined);
  }

  async keep(checkpoint: NetworkCheckpoint): Promise<Result<void>> {
    const devices = await this.#named(checkpoint);
    if (!devices.ok) return devices;
    for (const { device } of devices.value) {
      const kept = await this.#keepOn(device);
      if (!kept.ok) return nmRefused(kept.error);
    }
    return ok(undefined);
  }

  async #record({ name, uuid, type }: NmDevice): Promise<Result<Before>> {
    const autoconnect = await this.#nmcli.autoconnects(name);
    if (!autoconnect.ok) return autoconnect;
    if (uuid === undefined) return ok({ autoconnect: autoconnect.value, properties: {} });
    const profile = await this.#nmcli.profile(uuid, [...RECORDED, ...(type === "ethernet" ? RECORDED_OF_CABLES : [])]);
    if (!profile.ok) return profile;
    const properties = Object.fromEntries([...profile.value].filter(([, value]) => value !== "" && value !== "--"));
    return ok({ autoconnect: autoconnect.value, properties });
  }

  async #activateOld({ device, uuid, before }: Named): Promise<Result<void>> {
    const profiles = await this.#nmcli.profiles();
    if (!profiles.ok) return profiles;
    const trials = idsOf(profiles.value, trialName(device.name));
    if (uuid === undefined) return before?.autoconnect === false && device.uuid !== undefined ? this.#nmcli.disconnect(device.name) : ok(undefined);
    if (device.uuid === uuid) return ok(undefined);
    if (profiles.value.some((profile) => profile.uuid === uuid)) return this.#nmcli.up(uuid, device.name);
    // The profile is gone: it was only in memory, or another program had set the addresses and NetworkManager described them.
    if (before === undefined || before.properties["ipv4.method"] === undefined || before.properties["ipv4.method"] === "shared") return ok(undefined);
    if (device.uuid !== undefined && !trials.includes(device.uuid)) {
      const now = await this.#nmcli.profile(device.uuid, COMPARED);
      if (!now.ok) return now;
      if (COMPARED.every((property) => list(now.value.get(property)).join() === list(before.properties[property]).join())) return ok(undefined);
    }
    // A wireless network cannot be joined anew without its password, which is not recorded: the machine joins what it knows.
    return device.type === "wifi" ? ok(undefined) : this.#makeAnew(device, before);
  }

  /** In memory, as what it stands for was. */
  async #makeAnew(device: NmDevice, { properties }: Before): Promise<Result<void>> {
    const name = oldName(device.name);
    const gone = await this.#nmcli.deleteNamed(name);
    if (!gone.ok) return gone;
    const made = await this.#nmcli.add(device, name, Object.entries(properties).flat());
    if (!made.ok) return made;
    const uuid = await this.#made(name);
    return uuid.ok ? this.#nmcli.up(uuid.value, device.name) : uuid;
  }

  async #keepOn(device: NmDevice): Promise<Result<void>> {
    const profiles = await this.#nmcli.profiles();
    if (!profiles.ok) return profiles;
    const [trial] = idsOf(profiles.value, trialName(device.name));
    const kept = profiles.value.filter(({ name }) => name === keptName(device.name));
    // It has been kept already.
    if (trial === undefined) return kept.length > 0 ? ok(undefined) : fail("network.refused", `the profile of the new settings of ${device.name} is gone: another program deleted it`);
    const others = profiles.value.filter(({ name, autoconnect }) => autoconnect && name !== keptName(device.name)).map(({ uuid, priority }) => (uuid === trial ? -PRIORITY_MAX : priority));
    const priority = Math.min(PRIORITY_MAX, Math.max(KEPT_PRIORITY, ...others.map((other) => other + 1)));
    // Stored in three steps, so that at each the machine would boot with the new settings: with two profiles of the same
    // priority it could use either.
    const above = Math.min(PRIORITY_MAX, Math.max(priority, ...kept.map((old) => old.priority + 1)));
    const stored = await this.#nmcli.modify(trial, ["connection.interface-name", device.name, "connection.autoconnect", "yes", "connection.autoconnect-priority", String(above)]);
    if (!stored.ok) return stored;
    const up = device.uuid === trial ? ok(undefined) : await this.#nmcli.up(trial, device.name);
    if (!up.ok) return up;
    for (const name of [keptName(device.name), oldName(device.name)]) {
      const gone = await this.#nmcli.deleteNamed(name);
      if (!gone.ok) return gone;
    }
    return this.#nmcli.modify(trial, ["connection.id", keptName(device.name), "connection.autoconnect-priority", String(priority)]);
  }

  async #access(): Promise<Reading<readonly Dot1xAccess[]>> {
    const all = await this.#dot1x.kept(keptName);
    return all.ok ? seen(all.value.map(accessOfKept), this.#clock.monotonicMs()) : failed(all.error);
  }

  async #renewals(): Promise<Reading<readonly Dot1xRenewal[]>> {
    const all = await this.#dot1x.kept(keptName);
    const renewals = all.ok ? await this.#dot1x.renewals(all.value) : all;
    return renewals.ok ? seen(renewals.value, this.#clock.monotonicMs()) : failed(renewals.error);
  }

  /** NetworkManager never tries a cable again whose 802.1X failed once, were it only because the authentication server restarted. */
  async #askAgain(): Promise<Result<void>> {
    const all = await this.#dot1x.kept(keptName);
    if (!all.ok) return nmRefused(all.error);
    let first: Result<void> = ok(undefined);
    for (const { uuid, device } of all.value) {
      if (device.state !== "disconnected") continue;
      const up = await this.#nmcli.up(uuid, device.name);
      if (first.ok && !up.ok) first = nmRefused(up.error);
    }
    return first;
  }

  /** The permanent settings of a device again, with the present files of their certificate. */
  async #renew(device: NmDevice): Promise<Result<void>> {
    const all = await this.#dot1x.kept(keptName);
    if (!all.ok) return all;
    const kept = all.value.find((each) => each.device.name === device.name);
    if (kept === undefined) return fail("network.refused", `${device.name} has no settings whose certificate could be renewed`);
    const dot1x = await this.#dot1x.settingsOf(kept);
    if (!dot1x.ok) return dot1x;
    if (device.type !== "wifi") return this.#applyTo(device, { dot1x: { [device.name]: dot1x.value } }, kept);
    const ssid = await this.#nmcli.property(kept.uuid, WIFI_SSID);
    const hidden = await this.#nmcli.property(kept.uuid, WIFI_HIDDEN);
    if (!ssid.ok) return ssid;
    if (!hidden.ok) return hidden;
    return this.#applyTo(device, { wifi: { ssid: ssid.value, security: "wpa-eap", dot1x: dot1x.value, ...(hidden.value === "yes" ? { hidden: true } : {}) } }, kept);
  }

  /** `kept`: whose settings count for what is not asked for, in place of those in use. */
  async #applyTo(device: NmDevice, settings: NetworkChangeSettings, kept?: KeptDot1x): Promise<Result<void>> {
    const { interfaces, wifi } = settings;
    const name = trialName(device.name);
    const access = accessOf(device, settings);
    const usable = access === undefined || access === null ? ok("") : await this.#dot1x.check(access);
    if (!usable.ok) return usable;
    const before = await this.#address(kept === undefined ? device : { ...device, uuid: kept.uuid });
    if (!before.ok) return before;
    const gone = await this.#nmcli.deleteNamed(name);
    if (!gone.ok) return gone;
    // What was deleted may have been active.
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return devices;
    const base = kept?.uuid ?? devices.value.find((each) => each.name === device.name)?.uuid;
    const asked = interfaces !== undefined && Object.hasOwn(interfaces, device.name) ? interfaces[device.name] : undefined;
    const address = asked ?? before.value?.settings ?? { method: "dhcp" };
    const joins = device.type === "wifi" ? wifi : undefined;
    const key = joins === undefined ? ok(undefined) : pskOf(joins);
    if (!key.ok) return key;
    const made = await this.#make({ device, name, base, version: usable.value }, access, joins);
    if (!made.ok) return made;
    const trial = await this.#made(name);
    if (!trial.ok) return trial;
    const told = access ? await this.#dot1x.setPassword(trial.value, access) : key.value === undefined ? ok(undefined) : await this.#nmcli.setPassword(trial.value, key.value);
    if (!told.ok) return told;
    const stored = await this.#nmcli.modify(trial.value, ["connection.autoconnect", "no", "connection.interface-name", NO_INTERFACE, ...addressProperties(address)]);
    if (!stored.ok) return stored;
    const inMemory = await this.#nmcli.modify(trial.value, ["connection.interface-name", device.name], { temporary: true });
    if (!inMemory.ok) return inMemory;
    const up = await this.#nmcli.up(trial.value, device.name);
    if (up.ok) return up;
    const { code, isUnanswered = false } = up.error;
    if (access && (isUnanswered || code === "network.wrong-password" || code === "network.timed-out")) return { ok: false, error: await this.#dot1x.refusal(device, access, usable.value) };
    return joins !== undefined && (isUnanswered || code === "network.not-in-range") ? this.#notJoined(device, joins, up) : up;
  }

  async #make({ device, name, base, version }: { readonly device: NmDevice; readonly name: string; readonly base: string | undefined; readonly version: string }, access: Dot1xSettings | null | undefined, joins: WifiSettings | undefined): Promise<Result<void>> {
    const wireless = joins === undefined ? [] : wifiProperties(joins);
    if (joins !== undefined) return access ? this.#dot1x.make(device, name, access, version, wireless) : this.#nmcli.add(device, name, wireless);
    // A copy keeps what we do not set: the wireless password, IPv6, the MTU.
    if (access === undefined) return base === undefined ? this.#nmcli.add(device, name, []) : this.#nmcli.clone(base, name);
    const recorded = base === undefined ? ok(undefined) : await this.#nmcli.profile(base, [...RECORDED, ...RECORDED_OF_CABLES]);
    if (!recorded.ok) return recorded;
    const kept = [...(recorded.value ?? [])].filter(([, value]) => value !== "" && value !== "--").flat();
    return access === null ? this.#nmcli.add(device, name, kept) : this.#dot1x.make(device, name, access, version, kept);
  }

  /**
   * NetworkManager says that a network is not there also when it asks for access in another way, and when a WPA3 network refused
   * the password; after a wrong password it may also say only that nothing came of it. Whether the network is there is in the list of networks.
   */
  async #notJoined({ name }: NmDevice, { ssid, security }: WifiSettings, said: Result<void>): Promise<Result<void>> {
    const visible = await this.#nmcli.accessPoints(name);
    if (!visible.ok) return said;
    const kinds = visible.value.filter(({ ssidHex }) => ssidHex === Buffer.from(ssid).toString("hex")).map((each) => each.security);
    if (kinds.length === 0) return said;
    if (!kinds.some((words) => takes(words, security))) return fail("network.refused", `the wireless network is in range, but it does not take ${security}: it takes ${securityOf(kinds[0] ?? "")}`);
    return security === "open" ? fail("network.refused", "the wireless network is in range, but it does not let the device in") : fail("network.wrong-password", "the wireless network is in range, but it does not let the device in: the password is most likely wrong");
  }

  async #made(name: string): Promise<Result<string>> {
    const uuid = await this.#nmcli.uuidOf(name);
    if (!uuid.ok) return uuid;
    return uuid.value === undefined ? fail("network.refused", "NetworkManager made a profile and does not list it") : ok(uuid.value);
  }

  async #address(device: NmDevice): Promise<Result<{ readonly settings: AddressSettings; readonly wifi?: NonNullable<CurrentNetwork["wifi"]>; readonly dot1x?: CurrentDot1x } | undefined>> {
    if (device.uuid === undefined) return ok(undefined);
    const profile = await this.#nmcli.profile(device.uuid, [...PROFILE_FIELDS, ...(device.type === "wifi" ? WIFI_FIELDS : [])]);
    if (!profile.ok) return profile;
    const settings = addressOf(profile.value);
    const joined = wifiOf(profile.value);
    const dot1x = await this.#dot1x.of(device.uuid);
    if (!dot1x.ok) return dot1x;
    const { value: access } = dot1x;
    if (joined !== undefined) return ok(settings && { settings, wifi: { ...joined, ...(access === undefined ? {} : { dot1x: access }) } });
    return ok(settings && { settings, ...(access === undefined ? {} : { dot1x: access }) });
  }

  /** The devices affected by `settings`. */
  async #concerned(settings: NetworkChangeSettings): Promise<Result<readonly NmDevice[]>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return nmRefused(devices.error);
    const names = new Set([...Object.keys(settings.interfaces ?? {}), ...Object.keys(settings.dot1x ?? {}), ...(settings.renew ?? [])]);
    const stranger = [...names].find((name) => !devices.value.some((device) => device.name === name));
    if (stranger !== undefined) return fail("network.no-such-interface", `there is no interface ${stranger}`, `one of ${devices.value.map(({ name }) => name).join(", ")}`);
    const radio = devices.value.find(({ name, type }) => type === "wifi" && Object.hasOwn(settings.dot1x ?? {}, name));
    if (radio !== undefined) return fail("network.not-supported", `802.1X of ${radio.name} is part of its wireless network's settings`);
    const wireless = settings.wifi === undefined ? undefined : devices.value.find(({ type }) => type === "wifi");
    if (settings.wifi !== undefined && wireless === undefined) return fail("network.not-supported", "there is no wireless adapter");
    if (wireless !== undefined) names.add(wireless.name);
    return ok(devices.value.filter(({ name }) => names.has(name)));
  }

  async #named(checkpoint: NetworkCheckpoint): Promise<Result<readonly Named[]>> {
    const parsed = v.safeParse(CheckpointSchema, checkpoint);
    if (!parsed.success) return fail("network.refused", "this is no checkpoint of this machine");
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return nmRefused(devices.error);
    const uuids = new Map(Object.entries(parsed.output.devices));
    const before = new Map(Object.entries(parsed.output.before));
    // Skip adapters unplugged since then.
    return ok(devices.value.filter(({ name }) => uuids.has(name)).map((device) => ({ device, uuid: uuids.get(device.name) ?? undefined, before: before.get(device.name) })));
  }
}

/** A device of a checkpoint as it is now, with what was active on it then. */
interface Named {
  readonly device: NmDevice;
  readonly uuid: string | undefined;
  readonly before: Before | undefined;
}

/** 802.1X to apply to a device; `null`: none any more, `undefined`: as it is. */
function accessOf(device: NmDevice, { wifi, dot1x }: NetworkChangeSettings): Dot1xSettings | null | undefined {
  if (device.type === "wifi") return wifi?.security === "wpa-eap" ? wifi.dot1x : undefined;
  return dot1x !== undefined && Object.hasOwn(dot1x, device.name) ? dot1x[device.name] : undefined;
}

function idsOf(profiles: readonly NmProfile[], name: string): readonly string[] {
  return profiles.flatMap((profile) => (profile.name === name ? [profile.uuid] : []));
}

function trialName(device: string): string {
  return `vitrine-${device}-trial`;
}

function keptName(device: string): string {
  return `vitrine-${device}`;
}

/** Of a profile that stands for one that NetworkManager no longer has. */
function oldName(device: string): string {
  return `vitrine-${device}-before`;
}

function addressProperties(settings: AddressSettings): string[] {
  if (settings.method === "dhcp") return ["ipv4.method", "auto", "ipv4.gateway", "", "ipv4.addresses", "", "ipv4.dns", "", "ipv4.dad-timeout", DUPLICATE_CHECK_DEFAULT];
  return [
    "ipv4.addresses", [settings.address, ...(settings.moreAddresses ?? [])].join(","), "ipv4.gateway", settings.gateway ?? "", "ipv4.dns", settings.dns.join(","), "ipv4.dad-timeout", DUPLICATE_CHECK_MS,
    "ipv4.method", "manual",
  ];
}

function wifiProperties({ ssid, security, hidden }: WifiSettings): string[] {
  return [WIFI_SSID, ssid, ...(hidden === true ? [WIFI_HIDDEN, "yes"] : []), ...(security === "open" ? [] : ["wifi-sec.key-mgmt", KEY_MANAGEMENT[security]])];
}

/** Returns `undefined` for a method we do not support (shared, link-local, disabled). */
function addressOf(profile: ReadonlyMap<string, string>): AddressSettings | undefined {
  const method = profile.get("ipv4.method");
  if (method === "auto") return { method: "dhcp" };
  const [address, ...more] = list(profile.get("ipv4.addresses"));
  if (method !== "manual" || address === undefined) return undefined;
  const [gateway] = list(profile.get("ipv4.gateway"));
  return { method: "static", address, ...(more.length === 0 ? {} : { moreAddresses: more }), ...(gateway === undefined ? {} : { gateway }), dns: list(profile.get("ipv4.dns")) };
}

function wifiOf(profile: ReadonlyMap<string, string>): CurrentNetwork["wifi"] {
  const ssid = profile.get(WIFI_SSID);
  if (ssid === undefined || ssid === "") return undefined;
  const management = profile.get("802-11-wireless-security.key-mgmt") ?? "";
  return { ssid, security: management === "sae" ? "wpa3-sae" : management === "wpa-eap" ? "wpa-eap" : management === "wpa-psk" ? "wpa-psk" : "open" };
}

/** Lists are separated by commas; an absent value is empty or `--`. */
function list(text: string | undefined): string[] {
  return (text ?? "").split(/[\s,|]+/).filter((part) => part !== "" && part !== "--");
}
