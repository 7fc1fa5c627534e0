import * as v from "valibot";
import type { Clock } from "../ports/clock.ts";
import type { AddressSettings, CurrentNetwork, NetworkChangeSettings, NetworkCheckpoint, NetworkSettings, WifiSettings } from "../ports/network-settings.ts";
import { failed, seen, type Reading } from "../ports/reading.ts";
import { fail, ok, type Issue, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";
import { Nmcli, type NmDevice } from "./nmcli.ts";

const WORST_CASE_MS = 180_000;
/** Higher than that of the installer's profiles, which stay unchanged. */
const KEPT_PRIORITY = "100";
/**
 * How long NetworkManager asks whether a static address is in use already; then the activation fails. By default it does not
 * ask, and one wrong digit takes the router's address from it.
 */
const DUPLICATE_CHECK_MS = "1000";
const DUPLICATE_CHECK_DEFAULT = "-1";
const KEY_MANAGEMENT: Readonly<Record<Exclude<WifiSettings["security"], "open">, string>> = { "wpa-psk": "wpa-psk", "wpa3-sae": "sae" };

const UuidSchema = v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/));
const CheckpointSchema = v.object({ devices: v.record(v.string(), v.nullable(UuidSchema)) });

/** Settings through NetworkManager; `undefined` if it does not run or does not let us change them. */
export async function openNmcliNetworkSettings(run: CommandRunner, clock: Clock): Promise<NetworkSettings | undefined> {
  const nmcli = new Nmcli(run);
  return (await nmcli.mayChange()) ? new NmcliNetworkSettings(nmcli, clock, await hasWifi(nmcli)) : undefined;
}

async function hasWifi(nmcli: Nmcli): Promise<boolean> {
  const devices = await nmcli.devices();
  return devices.ok && devices.value.some(({ type }) => type === "wifi");
}

/**
 * A change creates a separate profile and leaves the previously active one untouched; restoring means activating that one
 * again. Until it is kept, our profile does not autoconnect, so a machine that boots in between uses the old one.
 */
class NmcliNetworkSettings implements NetworkSettings {
  readonly capabilities;
  readonly worstCaseMs = WORST_CASE_MS;
  readonly #nmcli: Nmcli;
  readonly #clock: Clock;

  constructor(nmcli: Nmcli, clock: Clock, wifi: boolean) {
    this.#nmcli = nmcli;
    this.#clock = clock;
    this.capabilities = { address: true, wifi };
  }

  async current(): Promise<Reading<CurrentNetwork>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return failed(devices.error);
    const interfaces: Record<string, AddressSettings> = {};
    let joined: CurrentNetwork["wifi"];
    for (const device of devices.value) {
      const address = await this.#address(device);
      if (!address.ok) return failed(address.error);
      if (address.value === undefined) continue;
      interfaces[device.name] = address.value.settings;
      joined ??= address.value.wifi;
    }
    return seen({ interfaces, ...(joined === undefined ? {} : { wifi: joined }) }, this.#clock.monotonicMs());
  }

  async checkpoint(settings: NetworkChangeSettings): Promise<Result<NetworkCheckpoint>> {
    const devices = await this.#concerned(settings);
    if (!devices.ok) return devices;
    return ok({ devices: Object.fromEntries(devices.value.map(({ name, uuid }) => [name, uuid ?? null])) });
  }

  async apply(settings: NetworkChangeSettings): Promise<Result<void>> {
    const devices = await this.#concerned(settings);
    if (!devices.ok) return devices;
    for (const device of devices.value) {
      const applied = await this.#applyTo(device, settings);
      if (!applied.ok) return refused(applied.error);
    }
    return ok(undefined);
  }

  async restore(checkpoint: NetworkCheckpoint): Promise<Result<void>> {
    const devices = await this.#named(checkpoint);
    if (!devices.ok) return devices;
    for (const { device, before } of devices.value) {
      const back = device.uuid === before ? ok(undefined) : before === undefined ? await this.#nmcli.disconnect(device.name) : await this.#nmcli.up(before, device.name);
      if (!back.ok) return refused(back.error);
      const gone = await this.#nmcli.deleteNamed(trialName(device.name));
      if (!gone.ok) return refused(gone.error);
    }
    return ok(undefined);
  }

  async keep(checkpoint: NetworkCheckpoint): Promise<Result<void>> {
    const devices = await this.#named(checkpoint);
    if (!devices.ok) return devices;
    for (const { device } of devices.value) {
      const kept = await this.#keepOn(device);
      if (!kept.ok) return refused(kept.error);
    }
    return ok(undefined);
  }

  async #keepOn(device: NmDevice): Promise<Result<void>> {
    const trial = await this.#nmcli.uuidOf(trialName(device.name));
    if (!trial.ok) return trial;
    // It has been kept already.
    if (trial.value === undefined) return ok(undefined);
    const up = device.uuid === trial.value ? ok(undefined) : await this.#nmcli.up(trial.value, device.name);
    if (!up.ok) return up;
    // Delete the previously kept profile first: with two of the same name and priority, the next boot could use either.
    const gone = await this.#nmcli.deleteNamed(keptName(device.name));
    if (!gone.ok) return gone;
    return this.#nmcli.modify(trial.value, [
      "connection.id", keptName(device.name), "connection.autoconnect", "yes", "connection.autoconnect-priority", KEPT_PRIORITY,
    ]);
  }

  async #applyTo(device: NmDevice, { interfaces, wifi }: NetworkChangeSettings): Promise<Result<void>> {
    const name = trialName(device.name);
    const gone = await this.#nmcli.deleteNamed(name);
    if (!gone.ok) return gone;
    const before = await this.#address(device);
    if (!before.ok) return before;
    const asked = interfaces !== undefined && Object.hasOwn(interfaces, device.name) ? interfaces[device.name] : undefined;
    const address = asked ?? before.value?.settings ?? { method: "dhcp" };
    const joins = device.type === "wifi" ? wifi : undefined;
    // A copy keeps what we do not set: the wireless password, IPv6, the MTU.
    const made =
      joins === undefined && device.uuid !== undefined
        ? await this.#nmcli.clone(device.uuid, name)
        : await this.#nmcli.add(device, name, joins === undefined ? [] : wifiProperties(joins));
    if (!made.ok) return made;
    const trial = await this.#nmcli.uuidOf(name);
    if (!trial.ok) return trial;
    if (trial.value === undefined) return fail("network.refused", "NetworkManager made a profile and does not list it");
    const set = await this.#nmcli.modify(trial.value, ["connection.autoconnect", "no", "connection.interface-name", device.name, ...addressProperties(address)]);
    if (!set.ok) return set;
    if (joins !== undefined && joins.security !== "open") {
      const told = await this.#nmcli.setPassword(trial.value, joins.password);
      if (!told.ok) return told;
    }
    return this.#nmcli.up(trial.value, device.name);
  }

  async #address(device: NmDevice): Promise<Result<{ readonly settings: AddressSettings; readonly wifi?: NonNullable<CurrentNetwork["wifi"]> } | undefined>> {
    if (device.uuid === undefined) return ok(undefined);
    const profile = await this.#nmcli.profile(device.uuid, device.type === "wifi");
    if (!profile.ok) return profile;
    const settings = addressOf(profile.value);
    const joined = wifiOf(profile.value);
    return ok(settings && { settings, ...(joined === undefined ? {} : { wifi: joined }) });
  }

  /** The devices affected by `settings`. */
  async #concerned(settings: NetworkChangeSettings): Promise<Result<readonly NmDevice[]>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return refused(devices.error);
    const names = new Set(Object.keys(settings.interfaces ?? {}));
    const stranger = [...names].find((name) => !devices.value.some((device) => device.name === name));
    if (stranger !== undefined) return fail("network.no-such-interface", `there is no interface ${stranger}`, `one of ${devices.value.map(({ name }) => name).join(", ")}`);
    const wireless = settings.wifi === undefined ? undefined : devices.value.find(({ type }) => type === "wifi");
    if (settings.wifi !== undefined && wireless === undefined) return fail("network.not-supported", "there is no wireless adapter");
    if (wireless !== undefined) names.add(wireless.name);
    return ok(devices.value.filter(({ name }) => names.has(name)));
  }

  async #named(checkpoint: NetworkCheckpoint): Promise<Result<readonly { readonly device: NmDevice; readonly before: string | undefined }[]>> {
    const parsed = v.safeParse(CheckpointSchema, checkpoint);
    if (!parsed.success) return fail("network.refused", "this is no checkpoint of this machine");
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return refused(devices.error);
    const before = new Map(Object.entries(parsed.output.devices));
    // Skip adapters unplugged since then.
    return ok(devices.value.filter(({ name }) => before.has(name)).map((device) => ({ device, before: before.get(device.name) ?? undefined })));
  }
}

function trialName(device: string): string {
  return `vitrine-${device}-trial`;
}

function keptName(device: string): string {
  return `vitrine-${device}`;
}

function addressProperties(settings: AddressSettings): string[] {
  if (settings.method === "dhcp") return ["ipv4.method", "auto", "ipv4.gateway", "", "ipv4.addresses", "", "ipv4.dns", "", "ipv4.dad-timeout", DUPLICATE_CHECK_DEFAULT];
  return [
    "ipv4.addresses", settings.address, "ipv4.gateway", settings.gateway ?? "", "ipv4.dns", settings.dns.join(","), "ipv4.dad-timeout", DUPLICATE_CHECK_MS,
    "ipv4.method", "manual",
  ];
}

function wifiProperties({ ssid, security }: WifiSettings): string[] {
  return ["ssid", ssid, ...(security === "open" ? [] : ["wifi-sec.key-mgmt", KEY_MANAGEMENT[security]])];
}

/** Returns `undefined` for a method we do not support (shared, link-local, disabled). */
function addressOf(profile: ReadonlyMap<string, string>): AddressSettings | undefined {
  const method = profile.get("ipv4.method");
  if (method === "auto") return { method: "dhcp" };
  const [address] = list(profile.get("ipv4.addresses"));
  if (method !== "manual" || address === undefined) return undefined;
  const [gateway] = list(profile.get("ipv4.gateway"));
  return { method: "static", address, ...(gateway === undefined ? {} : { gateway }), dns: list(profile.get("ipv4.dns")) };
}

function wifiOf(profile: ReadonlyMap<string, string>): CurrentNetwork["wifi"] {
  const ssid = profile.get("802-11-wireless.ssid");
  if (ssid === undefined || ssid === "") return undefined;
  const management = profile.get("802-11-wireless-security.key-mgmt") ?? "";
  return { ssid, security: management === "sae" ? "wpa3-sae" : management === "wpa-psk" ? "wpa-psk" : "open" };
}

/** Lists are separated by commas; an absent value is empty or `--`. */
function list(text: string | undefined): string[] {
  return (text ?? "").split(/[\s,|]+/).filter((part) => part !== "" && part !== "--");
}

function refused({ code, message }: Issue): { readonly ok: false; readonly error: Issue } {
  if (code === "program.timed-out") return fail("network.timed-out", message);
  return fail(code.startsWith("network.") ? code : "network.refused", message);
}
