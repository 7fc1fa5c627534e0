import { fail, ok, type Result } from "../ports/result.ts";
import type { CommandRunner } from "./command-runner.ts";

export interface NmDevice {
  readonly name: string;
  readonly type: "ethernet" | "wifi";
  /** Of the profile that is active on it. */
  readonly uuid?: string;
}

const ASK_TIMEOUT_MS = 10_000;
/** How long nmcli itself waits for an activation, and then we for nmcli. */
const UP_WAIT_S = 60;
const UP_TIMEOUT_MS = (UP_WAIT_S + 10) * 1_000;
const PROFILE_FIELDS = ["ipv4.method", "ipv4.addresses", "ipv4.gateway", "ipv4.dns"];
const WIFI_FIELDS = ["802-11-wireless.ssid", "802-11-wireless-security.key-mgmt"];
const PSK = "802-11-wireless-security.psk";
const NEEDED = ["org.freedesktop.NetworkManager.network-control:yes", "org.freedesktop.NetworkManager.settings.modify.system:yes"];

/** NetworkManager's command line (nmcli(1)), one method per query. Profiles are named by UUID: names are not unique. */
export class Nmcli {
  readonly #run: CommandRunner;

  constructor(run: CommandRunner) {
    this.#run = run;
  }

  /** Whether NetworkManager runs and polkit allows changes without authentication. */
  async mayChange(): Promise<boolean> {
    const running = await this.#ask(["-t", "-f", "RUNNING", "general"]);
    if (!running.ok || running.value.trim() !== "running") return false;
    const allowed = await this.#ask(["-t", "-f", "PERMISSION,VALUE", "general", "permissions"]);
    const lines = allowed.ok ? allowed.value.split("\n") : [];
    return NEEDED.every((needed) => lines.includes(needed));
  }

  /** Cables and wireless adapters that NetworkManager manages. */
  async devices(): Promise<Result<readonly NmDevice[]>> {
    const said = await this.#ask(["-t", "-f", "DEVICE,TYPE,STATE,CON-UUID", "device"]);
    if (!said.ok) return said;
    return ok(
      rowsOf(said.value).flatMap(([name = "", type, state, uuid = ""]): NmDevice[] =>
        (type === "ethernet" || type === "wifi") && state !== "unmanaged" ? [{ name, type, ...(uuid === "" || uuid === "--" ? {} : { uuid }) }] : [],
      ),
    );
  }

  /** Properties of a profile, by name. */
  async profile(uuid: string, wifi: boolean): Promise<Result<ReadonlyMap<string, string>>> {
    const said = await this.#ask(["-t", "-f", [...PROFILE_FIELDS, ...(wifi ? WIFI_FIELDS : [])].join(","), "connection", "show", "uuid", uuid]);
    if (!said.ok) return said;
    const lines = said.value.split("\n").filter((line) => line.includes(":"));
    return ok(new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)] as const)));
  }

  async uuidOf(name: string): Promise<Result<string | undefined>> {
    const all = await this.#named(name);
    return all.ok ? ok(all.value[0]) : all;
  }

  async deleteNamed(name: string): Promise<Result<void>> {
    const all = await this.#named(name);
    if (!all.ok) return all;
    for (const uuid of all.value) {
      const gone = await this.#ask(["connection", "delete", "uuid", uuid]);
      if (!gone.ok) return gone;
    }
    return ok(undefined);
  }

  clone(uuid: string, name: string): Promise<Result<void>> {
    return this.#do(["connection", "clone", "uuid", uuid, name]);
  }

  add({ name: device, type }: NmDevice, name: string, properties: readonly string[]): Promise<Result<void>> {
    return this.#do(["connection", "add", "type", type, "ifname", device, "con-name", name, "autoconnect", "no", ...properties]);
  }

  modify(uuid: string, properties: readonly string[]): Promise<Result<void>> {
    return this.#do(["connection", "modify", "uuid", uuid, ...properties]);
  }

  /** Uses standard input, since any user can read arguments. The editor reports no failures, so the value is read back. */
  async setPassword(uuid: string, password: string): Promise<Result<void>> {
    const told = await this.#run("nmcli", ["connection", "edit", "uuid", uuid], ASK_TIMEOUT_MS, `set ${PSK} ${password}\nsave\nquit\n`);
    if (!told.ok) return told;
    const taken = await this.#ask(["-e", "no", "-s", "-g", PSK, "connection", "show", "uuid", uuid]);
    const same = taken.ok && taken.value.replace(/\r?\n$/, "") === password;
    return same ? ok(undefined) : fail("network.refused", "NetworkManager did not take the wireless password");
  }

  /** Activates a profile and waits until it is active or nmcli reports why not. */
  async up(uuid: string, device: string): Promise<Result<void>> {
    const done = await this.#run("nmcli", ["--wait", String(UP_WAIT_S), "connection", "up", "uuid", uuid, "ifname", device], UP_TIMEOUT_MS);
    return done.ok ? ok(undefined) : done;
  }

  disconnect(device: string): Promise<Result<void>> {
    return this.#do(["device", "disconnect", device]);
  }

  async #named(name: string): Promise<Result<readonly string[]>> {
    const said = await this.#ask(["-t", "-f", "NAME,UUID", "connection", "show"]);
    return said.ok ? ok(rowsOf(said.value).flatMap(([known, uuid]) => (known === name && uuid !== undefined ? [uuid] : []))) : said;
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
