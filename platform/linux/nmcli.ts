import { err, fail, ok, type Issue, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";
import { activationFailure, type ActivationFailure } from "./nm-activation-failure.ts";

export interface NmDevice {
  readonly name: string;
  readonly type: "ethernet" | "wifi";
  /** `connected`, `connected (externally)`, `disconnected`, `unavailable` (no carrier), … */
  readonly state: string;
  /** Of the profile that is active on it. */
  readonly uuid?: string;
}

export interface NmProfile {
  readonly name: string;
  readonly uuid: string;
  /** `802-3-ethernet`, `802-11-wireless`, `loopback`, … */
  readonly type: string;
  readonly autoconnect: boolean;
  /** -999 to 999; the higher one is preferred. */
  readonly priority: number;
}

export interface NmAccessPoint {
  /** Bytes of its name in hexadecimal digits; empty when it is hidden. */
  readonly ssidHex: string;
  readonly signalPercent: number;
  /** NetworkManager's words, separated by spaces. */
  readonly security: string;
}

/**
 * `ours`: it runs and may be used. `not-ours`: it runs, and polkit says no. `not-yet`: systemd starts it at boot, and it does not answer now.
 * `absent`: it is not there, or nothing starts it.
 */
export type NmStanding = "ours" | "not-ours" | "not-yet" | "absent";

const ASK_TIMEOUT_MS = 10_000;
/** How long nmcli itself waits for an activation, and then we for nmcli. */
const UP_WAIT_S = 60;
/** A look around takes some seconds on real adapters. */
const SCAN_TIMEOUT_MS = 30_000;
const UP_TIMEOUT_MS = (UP_WAIT_S + 10) * 1_000;
const PSK = "802-11-wireless-security.psk";
const NEEDED = ["org.freedesktop.NetworkManager.network-control:yes", "org.freedesktop.NetworkManager.settings.modify.system:yes"];

/** NetworkManager's command line (nmcli(1)), one method per query. Profiles are named by UUID: names are not unique. */
export class Nmcli {
  readonly #run: CommandRunner;
  #seesWifi = false;

  constructor(run: CommandRunner) {
    this.#run = run;
  }

  /** Whether NetworkManager runs, will run, and lets us change settings without authentication (polkit). */
  async standing(): Promise<NmStanding> {
    const running = await this.#ask(["-t", "-f", "RUNNING", "general"]);
    if (!running.ok && running.error.code === "program.missing") return "absent";
    if (!running.ok || running.value.trim() !== "running") {
      const enabled = await this.#run("systemctl", ["is-enabled", "NetworkManager.service"], ASK_TIMEOUT_MS);
      return enabled.ok && enabled.value.trim() === "enabled" ? "not-yet" : "absent";
    }
    const allowed = await this.#ask(["-t", "-f", "PERMISSION,VALUE", "general", "permissions"]);
    const lines = allowed.ok ? allowed.value.split("\n") : [];
    return NEEDED.every((needed) => lines.includes(needed)) ? "ours" : "not-ours";
  }

  /** Whether there was a wireless adapter when the devices were asked for last. */
  get seesWifi(): boolean {
    return this.#seesWifi;
  }

  /** Cables and wireless adapters that NetworkManager manages. */
  async devices(): Promise<Result<readonly NmDevice[]>> {
    const said = await this.#ask(["-t", "-f", "DEVICE,TYPE,STATE,CON-UUID", "device"]);
    if (!said.ok) return said;
    const devices = rowsOf(said.value).flatMap(([name = "", type, state = "", uuid = ""]): NmDevice[] =>
      (type === "ethernet" || type === "wifi") && state !== "unmanaged" ? [{ name, type, state, ...(uuid === "" || uuid === "--" ? {} : { uuid }) }] : [],
    );
    this.#seesWifi = devices.some(({ type }) => type === "wifi");
    return ok(devices);
  }

  /** Properties of a profile, by name, without secrets. */
  async profile(uuid: string, fields: readonly string[]): Promise<Result<ReadonlyMap<string, string>>> {
    const said = await this.#ask(["-t", "-f", fields.join(","), "connection", "show", "uuid", uuid]);
    if (!said.ok) return said;
    const lines = said.value.split("\n").filter((line) => line.includes(":"));
    return ok(new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)] as const)));
  }

  /** All profiles, active or not. */
  async profiles(): Promise<Result<readonly NmProfile[]>> {
    const said = await this.#ask(["-t", "-f", "NAME,UUID,TYPE,AUTOCONNECT,AUTOCONNECT-PRIORITY", "connection", "show"]);
    if (!said.ok) return said;
    return ok(rowsOf(said.value).map(([name = "", uuid = "", type = "", autoconnect, priority = "0"]) => ({ name, uuid, type, autoconnect: autoconnect === "yes", priority: Number(priority) })));
  }

  /** One property of a profile as it is; empty when it is not set. */
  async property(uuid: string, name: string): Promise<Result<string>> {
    const said = await this.#ask(["-e", "no", "-g", name, "connection", "show", "uuid", uuid]);
    return said.ok ? ok(said.value.replace(/\r?\n$/, "")) : said;
  }

  /** As `property`, of one that NetworkManager tells only to those who may change the profile. */
  async secret(uuid: string, name: string): Promise<Result<string>> {
    const said = await this.#ask(["-e", "no", "-s", "-g", name, "connection", "show", "uuid", uuid]);
    return said.ok ? ok(said.value.replace(/\r?\n$/, "")) : said;
  }

  /** Looks around before it answers, unless the adapter cannot at the time. */
  async accessPoints(device: string): Promise<Result<readonly NmAccessPoint[]>> {
    const list = (rescan: string) => this.#run("nmcli", ["-t", "-f", "SSID-HEX,SIGNAL,SECURITY", "device", "wifi", "list", "ifname", device, "--rescan", rescan], SCAN_TIMEOUT_MS);
    const fresh = await list("yes");
    const said = fresh.ok ? fresh : await list("no");
    if (!said.ok) return said;
    return ok(rowsOf(said.value).map(([ssidHex = "", signal = "0", security = ""]) => ({ ssidHex: ssidHex === "--" ? "" : ssidHex.toLowerCase(), signalPercent: Number(signal), security })));
  }

  /** Whether NetworkManager connects a device by itself; not after somebody disconnected it. */
  async autoconnects(device: string): Promise<Result<boolean>> {
    const said = await this.#ask(["-g", "GENERAL.AUTOCONNECT", "device", "show", device]);
    return said.ok ? ok(said.value.trim() !== "no") : said;
  }

  /** The IPv4 addresses of all devices, with prefix length, also of those that NetworkManager does not manage. */
  async addresses(): Promise<Result<readonly { readonly device: string; readonly address: string }[]>> {
    const said = await this.#ask(["-t", "-f", "GENERAL.DEVICE,IP4.ADDRESS", "device", "show"]);
    if (!said.ok) return said;
    let device = "";
    return ok(
      said.value.split("\n").flatMap((line) => {
        const [, name = "", value = ""] = /^([A-Z0-9.]+)(?:\[\d+\])?:(.*)$/.exec(line) ?? [];
        if (name === "GENERAL.DEVICE") device = value;
        return name === "IP4.ADDRESS" && value !== "" ? [{ device, address: value }] : [];
      }),
    );
  }

  async uuidOf(name: string): Promise<Result<string | undefined>> {
    const all = await this.#named(name);
    return all.ok ? ok(all.value[0]) : all;
  }

  /** Deletes every profile of this name; one that is active is deactivated. */
  async deleteNamed(name: string): Promise<Result<void>> {
    const all = await this.#named(name);
    if (!all.ok) return all;
    for (const uuid of all.value) {
      const gone = await this.#ask(["connection", "delete", "uuid", uuid]);
      if (!gone.ok) return gone;
    }
    return ok(undefined);
  }

  /** In memory: the copy is gone after a boot unless it is stored by `modify`. */
  clone(uuid: string, name: string): Promise<Result<void>> {
    return this.#do(["connection", "clone", "--temporary", "uuid", uuid, name]);
  }

  /** In memory, as `clone`. */
  add({ name: device, type }: NmDevice, name: string, properties: readonly string[]): Promise<Result<void>> {
    return this.#do(["connection", "add", "save", "no", "type", type, "ifname", device, "con-name", name, "autoconnect", "no", ...properties]);
  }

  /** Changes a profile and stores all of it; with `temporary` only in memory, until the next boot. */
  modify(uuid: string, properties: readonly string[], { temporary = false } = {}): Promise<Result<void>> {
    return this.#do(["connection", "modify", ...(temporary ? ["--temporary"] : []), "uuid", uuid, ...properties]);
  }

  /** In memory. Uses standard input, since any user can read arguments. The editor reports no failures, so the value is read back. */
  async setPassword(uuid: string, password: string, property = PSK): Promise<Result<void>> {
    const told = await this.#run("nmcli", ["connection", "edit", "uuid", uuid], ASK_TIMEOUT_MS, `set ${property} ${password}\nsave temporary\nquit\n`);
    if (!told.ok) return told;
    const taken = await this.secret(uuid, property);
    return taken.ok && taken.value === password ? ok(undefined) : fail("network.refused", "NetworkManager did not take the password");
  }

  /**
   * Activates a profile and waits until it is active or nmcli reports why not. Errors besides those of the runner:
   * `network.wrong-password`, `network.not-in-range`, `network.no-address`, `network.timed-out`, `network.refused`.
   */
  async up(uuid: string, device: string): Promise<Result<void, ActivationFailure>> {
    const done = await this.#run("nmcli", ["--wait", String(UP_WAIT_S), "connection", "up", "uuid", uuid, "ifname", device], UP_TIMEOUT_MS);
    if (done.ok) return ok(undefined);
    return err(activationFailure(done.error.message) ?? done.error);
  }

  disconnect(device: string): Promise<Result<void>> {
    return this.#do(["device", "disconnect", device]);
  }

  async #named(name: string): Promise<Result<readonly string[]>> {
    const all = await this.profiles();
    return all.ok ? ok(all.value.flatMap((profile) => (profile.name === name ? [profile.uuid] : []))) : all;
  }

  async #do(args: readonly string[]): Promise<Result<void>> {
    const done = await this.#ask(args);
    return done.ok ? ok(undefined) : done;
  }

  #ask(args: readonly string[]): Promise<Result<string>> {
    return this.#run("nmcli", args, ASK_TIMEOUT_MS);
  }
}

/** Terse tables: fields separated by `:`, which is escaped with `\` within them. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (line.match(/(?:^|:)(?:\\.|[^:\\])*/g) ?? []).map((field, at) => (at === 0 ? field : field.slice(1)).replace(/\\(.)/g, "$1")));
}

/** An error in the words of the port. */
export function nmRefused({ code, message, hint }: Issue): { readonly ok: false; readonly error: Issue } {
  if (code === "program.timed-out") return fail("network.timed-out", message);
  return fail(code.startsWith("network.") ? code : "network.refused", message, hint);
}
