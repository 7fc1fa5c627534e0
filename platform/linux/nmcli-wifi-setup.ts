import { BlockList, isIPv4 } from "node:net";
import type { WifiSettings } from "../ports/network-settings.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import type { OpenAccessPoint, SetupAccessPoint, Uplinks, VisibleNetwork, VisibleSecurity, WifiSetup } from "../ports/wifi-setup.ts";
import { pskOf } from "./nmcli-password.ts";
import { nmRefused, type Nmcli, type NmDevice } from "./nmcli.ts";

/** Profile of the set-up access point. Never stored, so that a machine that restarts is as if there had been none. */
export const SETUP_PROFILE = "vitrine-setup";
const WORST_CASE_MS = 120_000;
/**
 * The device's address in the set-up network. Fixed: dnsmasq-setup.conf leads every name to it, and polkit lets the agent open the
 * portal's door at no other.
 */
const SETUP_ADDRESS = "10.42.0.1/24";
const SETUP_NETWORK = blockOf(SETUP_ADDRESS);

/** Set-up of the first wireless network through NetworkManager. */
export class NmcliWifiSetup implements WifiSetup {
  readonly worstCaseMs = WORST_CASE_MS;
  readonly #nmcli: Nmcli;

  constructor(nmcli: Nmcli) {
    this.#nmcli = nmcli;
  }

  async uplinks(): Promise<Result<Uplinks>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return nmRefused(devices.error);
    const known = await this.#nmcli.profiles();
    if (!known.ok) return nmRefused(known.error);
    const setup = new Set(known.value.filter(({ name }) => name === SETUP_PROFILE).map(({ uuid }) => uuid));
    let knownWifi = false;
    for (const { uuid, type, autoconnect } of known.value) {
      if (type !== "802-11-wireless" || !autoconnect || knownWifi) continue;
      const mode = await this.#nmcli.property(uuid, "802-11-wireless.mode");
      knownWifi = mode.ok && (mode.value === "" || mode.value === "infrastructure");
    }
    return ok({
      cable: devices.value.some(({ type, state }) => type === "ethernet" && state !== "unavailable"),
      knownWifi,
      connected: devices.value.some(({ state, uuid }) => state.startsWith("connected") && !(uuid !== undefined && setup.has(uuid))),
    });
  }

  async scan(): Promise<Result<readonly VisibleNetwork[]>> {
    const adapter = await this.#adapter();
    if (!adapter.ok) return adapter;
    const seen = await this.#nmcli.accessPoints(adapter.value.name);
    if (!seen.ok) return nmRefused(seen.error);
    const networks = new Map<string, VisibleNetwork>();
    for (const { ssidHex, signalPercent, security: words } of seen.value) {
      const security = securityOf(words);
      const key = `${ssidHex} ${security}`;
      // A hidden network shows no name, or zeros.
      if (/^(?:00)*$/.test(ssidHex) || (networks.get(key)?.signalPercent ?? -1) >= signalPercent) continue;
      const ssid = textOf(ssidHex);
      networks.set(key, { ...(ssid === undefined ? {} : { ssid }), ssidHex, signalPercent, security });
    }
    return ok([...networks.values()].toSorted((a, b) => b.signalPercent - a.signalPercent));
  }

  async openAccessPoint({ ssid, password }: SetupAccessPoint): Promise<Result<OpenAccessPoint>> {
    const adapter = await this.#adapter();
    if (!adapter.ok) return adapter;
    const taken = await this.#taken(adapter.value);
    if (!taken.ok) return nmRefused(taken.error);
    const opened = await this.#open(adapter.value, ssid, password);
    if (opened.ok) return opened;
    await this.closeAccessPoint();
    return nmRefused(opened.error);
  }

  async closeAccessPoint(): Promise<Result<void>> {
    const gone = await this.#nmcli.deleteNamed(SETUP_PROFILE);
    return gone.ok ? gone : nmRefused(gone.error);
  }

  /** Two interfaces in networks with the same addresses would lead a phone's connections, or the device's own, to the wrong one. */
  async #taken(adapter: NmDevice): Promise<Result<void>> {
    const all = await this.#nmcli.addresses();
    if (!all.ok) return all;
    const other = all.value.find(({ device, address }) => device !== adapter.name && overlaps(address));
    return other === undefined ? ok(undefined) : fail("network.set-up-address-taken", `${other.device} is in the network of ${other.address}, whose addresses are those of the set-up network (${SETUP_ADDRESS})`, "Unplug its cable while the device is set up, use a provisioning file, or give that network other addresses.");
  }

  async #open(device: NmDevice, ssid: string, password: string): Promise<Result<OpenAccessPoint>> {
    const before = await this.#nmcli.deleteNamed(SETUP_PROFILE);
    if (!before.ok) return before;
    const made = await this.#nmcli.add(device, SETUP_PROFILE, [
      "802-11-wireless.ssid", ssid, "802-11-wireless.mode", "ap", "802-11-wireless.band", "bg", "ipv4.method", "shared", "ipv4.addresses", SETUP_ADDRESS, "ipv6.method", "disabled",
      // WPA2 alone and without protected management frames: what every phone and every adapter in this mode can do.
      "wifi-sec.key-mgmt", "wpa-psk", "wifi-sec.proto", "rsn", "wifi-sec.pairwise", "ccmp", "wifi-sec.group", "ccmp", "wifi-sec.pmf", "disable",
    ]);
    if (!made.ok) return made;
    const uuid = await this.#nmcli.uuidOf(SETUP_PROFILE);
    if (!uuid.ok) return uuid;
    if (uuid.value === undefined) return fail("network.refused", "NetworkManager made the set-up access point and does not list it");
    const key = pskOf({ ssid, security: "wpa-psk", password });
    if (!key.ok) return key;
    const told = key.value === undefined ? ok(undefined) : await this.#nmcli.setPassword(uuid.value, key.value);
    if (!told.ok) return told;
    const up = await this.#nmcli.up(uuid.value, device.name);
    if (!up.ok) return up.error.isUnanswered === true ? fail("network.refused", "the adapter could not open a network of its own") : up;
    return ok({ interface: device.name, address: SETUP_ADDRESS });
  }

  async #adapter(): Promise<Result<NmDevice>> {
    const devices = await this.#nmcli.devices();
    if (!devices.ok) return nmRefused(devices.error);
    const adapter = devices.value.find(({ type }) => type === "wifi");
    return adapter === undefined ? fail("network.not-supported", "there is no wireless adapter") : ok(adapter);
  }
}

/** Whether an IPv4 address with prefix length is in a network that shares addresses with the set-up network. */
function overlaps(address: string): boolean {
  const [ip = "", prefix = ""] = address.split("/");
  return isIPv4(ip) && (SETUP_NETWORK.check(ip) || blockOf(`${ip}/${prefix}`).check(SETUP_ADDRESS.split("/")[0] ?? ""));
}

function blockOf(address: string): BlockList {
  const [ip = "", prefix] = address.split("/");
  const block = new BlockList();
  block.addSubnet(ip, Number(prefix));
  return block;
}

/** From NetworkManager's words: `WPA1 WPA2`, `WPA2 802.1X`, `WPA2 WPA3`, `WPA3`, `WEP`, `OWE`, or none. A network that takes both WPA2 and WPA3 is joined as WPA2, which NetworkManager turns into the better one. */
export function securityOf(words: string): VisibleSecurity {
  const all = wordsOf(words);
  if (all.size === 0) return "open";
  if (all.has("802.1X")) return "enterprise";
  if (all.has("WPA2") || all.has("WPA1")) return "wpa-psk";
  return all.has("WPA3") ? "wpa3-sae" : "other";
}

/** Whether a network with these words can be joined with this kind of settings. */
export function takes(words: string, security: WifiSettings["security"]): boolean {
  const all = wordsOf(words);
  if (security === "open") return all.size === 0;
  if (security === "wpa-eap") return all.has("802.1X");
  return !all.has("802.1X") && (security === "wpa3-sae" ? all.has("WPA3") : all.has("WPA1") || all.has("WPA2"));
}

function wordsOf(words: string): ReadonlySet<string> {
  return new Set(words.split(" ").filter((word) => word !== "" && word !== "--"));
}

function textOf(hex: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(hex, "hex"));
  } catch {
    // Bytes that are not UTF-8: the standard asks for nothing else.
    return undefined;
  }
}

