import { fail, ok, type Result } from "../../ports/result.ts";
import type { CommandRunner } from "../command-runner.ts";

interface Stored {
  readonly id: string;
  readonly device: string;
  readonly properties: ReadonlyMap<string, string>;
}

interface Profile {
  id: string;
  readonly type: string;
  device: string;
  readonly properties: Map<string, string>;
  /** Its form on disk, which a boot brings back. Absent: it is only in memory. */
  stored?: Stored;
}

/** What the first device has at the start: a stored profile, or the one that NetworkManager makes when no stored one fits. */
export type FirstProfile = "stored" | "default";

/** Takes the place of nmcli: as much of its language as we speak, and a memory. Not NetworkManager itself. */
export class NmcliStandIn {
  readonly ran: string[] = [];
  readonly inputs: string[] = [];
  readonly profiles = new Map<string, Profile>();
  readonly active = new Map<string, string>();
  devices: readonly (readonly [name: string, type: string])[];
  permission = "yes";
  /** Whether NetworkManager answers, and whether systemd starts it at boot. */
  runs = true;
  isEnabled = true;
  /** Passwords that an access point takes, by SSID. */
  readonly air = new Map<string, string>();
  /** Addresses of the machine's own devices, with prefix length. */
  readonly addresses = new Map<string, readonly string[]>();
  /** Addresses of other machines on the network, without prefix length. */
  readonly taken = new Set<string>();
  /** What `device wifi list` prints. */
  visible = "";
  #made = 0;

  constructor(devices: readonly (readonly [string, string])[], first: FirstProfile = "stored") {
    this.devices = devices;
    for (const [name, type] of devices.slice(0, 1)) {
      if (first === "default") this.#connect(name, type);
      else this.active.set(name, this.#make({ id: "Wired: connection 1", type, device: name, properties: new Map([["ipv4.method", "auto"], ["connection.autoconnect", "yes"]]) }, true));
    }
  }

  readonly run: CommandRunner = (program, args, _timeoutMs, input) => {
    this.ran.push([program, ...args].join(" "));
    if (input !== undefined) this.inputs.push(input);
    const values = ["-f", "-g", "-e", "--wait"];
    const words = args.filter((word, at) => !["-t", "-s", "--temporary", ...values].includes(word) && !values.includes(args[at - 1] ?? ""));
    if (program === "systemctl") return Promise.resolve(this.isEnabled ? ok("enabled\n") : fail("program.failed", "disabled"));
    return Promise.resolve(this.runs ? this.#answer(words, args, input) : fail("program.failed", "Error: NetworkManager is not running."));
  };

  /** Cuts the power: what is in memory is gone. */
  boot(): void {
    this.active.clear();
    for (const [uuid, profile] of this.profiles) {
      if (profile.stored === undefined) this.profiles.delete(uuid);
      else this.profiles.set(uuid, { type: profile.type, ...profile.stored, properties: new Map(profile.stored.properties), stored: profile.stored });
    }
    for (const [device, type] of this.devices) this.#connect(device, type);
  }

  /** What connects by itself: the highest priority; on a cable without any profile NetworkManager's default. */
  #connect(device: string, type: string): void {
    const fitting = [...this.profiles].filter(([, each]) => each.device === device);
    const best = fitting.filter(([, { properties }]) => properties.get("connection.autoconnect") === "yes").sort(([, a], [, b]) => priority(b) - priority(a))[0];
    if (best !== undefined) this.active.set(device, best[0]);
    else if (type === "ethernet" && fitting.length === 0)
      this.active.set(device, this.#make({ id: "Wired connection 1", type, device, properties: new Map([["ipv4.method", "auto"], ["connection.autoconnect", "yes"], ["connection.autoconnect-priority", "-999"]]) }, false));
  }

  #answer(words: readonly string[], args: readonly string[], input: string | undefined): Result<string> {
    const [object, verb, ...rest] = words;
    const last = rest.at(-1) ?? "";
    if (object === "general") return ok(verb === undefined ? "running\n" : `org.freedesktop.NetworkManager.network-control:${this.permission}\norg.freedesktop.NetworkManager.settings.modify.system:${this.permission}\n`);
    if (object === "device" && verb === "disconnect") return this.#done(this.active.delete(last));
    if (object === "device" && verb === "show" && args.includes("GENERAL.DEVICE,IP4.ADDRESS")) return ok(this.devices.map(([name]) => `GENERAL.DEVICE:${name}\n${(this.addresses.get(name) ?? []).map((each, at) => `IP4.ADDRESS[${at + 1}]:${each}\n`).join("")}`).join("\n"));
    if (object === "device" && verb === "show") return ok("yes\n");
    if (object === "device" && verb === "wifi") return ok(this.visible);
    if (object === "device") return ok(`${this.devices.map(([name, type]) => `${name}:${type}:${this.active.has(name) ? "connected" : "disconnected"}:${this.active.get(name) ?? ""}`).join("\n")}\nlo:loopback:unmanaged:\n`);
    if (verb === "show" && rest.length === 0) return ok([...this.profiles].map(([uuid, { id, type, properties }]) => `${id.replaceAll(":", "\\:")}:${uuid}:${type === "wifi" ? "802-11-wireless" : "802-3-ethernet"}:${properties.get("connection.autoconnect") ?? "yes"}:${properties.get("connection.autoconnect-priority") ?? 0}\n`).join(""));
    if (verb === "add") return this.#add(rest);
    const profile = this.profiles.get(rest[1] ?? "");
    const stores = !args.includes("--temporary");
    if (rest[0] !== "uuid" || profile === undefined) return fail("program.failed", `Error: unknown connection '${rest.join(" ")}'.`);
    switch (verb) {
      case "show": {
        const fields = args[args.findIndex((word) => word === "-f" || word === "-g") + 1]?.split(",") ?? [];
        if (args.includes("-g")) return ok(`${profile.properties.get(fields[0] ?? "") ?? ""}\n`);
        return ok(fields.map((field) => `${field}:${profile.properties.get(field) ?? ""}\n`).join(""));
      }
      case "clone":
        this.#make({ type: profile.type, device: profile.device, id: last, properties: new Map(profile.properties) }, stores);
        return ok("cloned\n");
      case "modify":
        return this.#set(profile, rest.slice(2), stores);
      case "delete":
        this.profiles.delete(rest[1] ?? "");
        for (const [device, uuid] of this.active) {
          if (uuid !== rest[1]) continue;
          this.active.delete(device);
          this.#connect(device, profile.type);
        }
        return ok("deleted\n");
      case "edit":
        for (const [, property = "", value = ""] of (input ?? "").matchAll(/^set (\S+) (.*)$/gm)) profile.properties.set(property, value);
        return ok(`nmcli> ${input ?? ""}`);
      case "up":
        return this.#up(rest[1] ?? "", profile, last);
      default:
        return fail("program.failed", `Error: argument '${verb ?? ""}' not understood.`);
    }
  }

  #up(uuid: string, { properties }: Profile, device: string): Result<string> {
    const ssid = properties.get("802-11-wireless.mode") === "ap" ? undefined : properties.get("802-11-wireless.ssid");
    if (ssid !== undefined && this.air.get(ssid) !== properties.get("802-11-wireless-security.psk")) return fail("program.failed", "Error: Connection activation failed: Secrets were required, but not provided.");
    const [address = ""] = (properties.get("ipv4.addresses") ?? "").split("/");
    const asks = properties.get("ipv4.method") === "manual" && Number(properties.get("ipv4.dad-timeout") ?? 0) > 0;
    if (asks && this.taken.has(address)) return fail("program.failed", "Error: Connection activation failed: IP configuration could not be reserved (no available address, timeout, etc.)");
    this.active.set(device, uuid);
    return ok("Connection successfully activated\n");
  }

  #add(words: readonly string[]): Result<string> {
    const of = (name: string): string => words[words.indexOf(name) + 1] ?? "";
    const properties = new Map([["ipv4.method", "auto"], ["connection.autoconnect", of("autoconnect")]]);
    const given = words.slice(words.indexOf("autoconnect") + 2);
    for (let at = 0; at < given.length; at += 2) if (given[at]?.includes(".") === true) properties.set(given[at] ?? "", given[at + 1] ?? "");
    if (words.includes("wifi-sec.key-mgmt")) properties.set("802-11-wireless-security.key-mgmt", of("wifi-sec.key-mgmt"));
    this.#make({ id: of("con-name"), type: of("type"), device: of("ifname"), properties }, of("save") !== "no");
    return ok("successfully added\n");
  }

  #set(profile: Profile, words: readonly string[], stores: boolean): Result<string> {
    for (let at = 0; at < words.length; at += 2) {
      if (words[at] === "connection.id") profile.id = words[at + 1] ?? "";
      else if (words[at] === "connection.interface-name") profile.device = words[at + 1] ?? "";
      else profile.properties.set(words[at] ?? "", words[at + 1] ?? "");
    }
    if (stores) store(profile);
    return ok("");
  }

  #make(profile: Profile, stores: boolean): string {
    this.#made += 1;
    const uuid = `00000000-0000-4000-8000-${String(this.#made).padStart(12, "0")}`;
    if (stores) store(profile);
    this.profiles.set(uuid, profile);
    return uuid;
  }

  #done(was: boolean): Result<string> {
    return was ? ok("") : fail("program.failed", "Error: not active.");
  }
}

function priority({ properties }: Profile): number {
  return Number(properties.get("connection.autoconnect-priority") ?? 0);
}

function store(profile: Profile): void {
  profile.stored = { id: profile.id, device: profile.device, properties: new Map(profile.properties) };
}
