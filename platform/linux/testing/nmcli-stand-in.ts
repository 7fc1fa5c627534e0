import { fail, ok, type Result } from "../../ports/result.ts";
import type { CommandRunner } from "../command-runner.ts";

interface Profile {
  id: string;
  type: string;
  device: string;
  readonly properties: Map<string, string>;
}

/** Takes the place of nmcli: as much of its language as we speak, and a memory. Not NetworkManager itself. */
export class NmcliStandIn {
  readonly ran: string[] = [];
  readonly inputs: string[] = [];
  readonly profiles = new Map<string, Profile>();
  readonly active = new Map<string, string>();
  readonly devices: readonly (readonly [name: string, type: string])[];
  permission = "yes";
  /** Passwords that an access point takes, by SSID. */
  readonly air = new Map<string, string>();
  /** Addresses of other machines on the network, without prefix length. */
  readonly taken = new Set<string>();
  #made = 0;

  constructor(devices: readonly (readonly [string, string])[]) {
    this.devices = devices;
    for (const [name, type] of devices.slice(0, 1)) {
      this.active.set(name, this.#make({ id: "Wired: connection 1", type, device: name, properties: new Map([["ipv4.method", "auto"], ["connection.autoconnect", "yes"]]) }));
    }
  }

  readonly run: CommandRunner = (program, args, _timeoutMs, input) => {
    this.ran.push([program, ...args].join(" "));
    if (input !== undefined) this.inputs.push(input);
    const words = args.filter((word, at) => !["-t", "-s", "-f", "-g", "-e", "--wait"].includes(word) && !["-f", "-g", "-e", "--wait"].includes(args[at - 1] ?? ""));
    return Promise.resolve(this.#answer(words, args, input));
  };

  /** What connects by itself after the power came back: the highest priority. */
  boot(): void {
    this.active.clear();
    for (const [device] of this.devices) {
      const best = [...this.profiles].filter(([, each]) => each.device === device && each.properties.get("connection.autoconnect") === "yes").sort(([, a], [, b]) => priority(b) - priority(a))[0];
      if (best !== undefined) this.active.set(device, best[0]);
    }
  }

  #answer(words: readonly string[], args: readonly string[], input: string | undefined): Result<string> {
    const [object, verb, ...rest] = words;
    const last = rest.at(-1) ?? "";
    if (object === "general") return ok(verb === undefined ? "running\n" : `org.freedesktop.NetworkManager.network-control:${this.permission}\norg.freedesktop.NetworkManager.settings.modify.system:${this.permission}\n`);
    if (object === "device" && verb === "disconnect") return this.#done(this.active.delete(last));
    if (object === "device") return ok(`${this.devices.map(([name, type]) => `${name}:${type}:${this.active.has(name) ? "connected" : "disconnected"}:${this.active.get(name) ?? ""}`).join("\n")}\nlo:loopback:unmanaged:\n`);
    if (verb === "show" && rest.length === 0) return ok([...this.profiles].map(([uuid, { id }]) => `${id.replaceAll(":", "\\:")}:${uuid}\n`).join(""));
    if (verb === "add") return this.#add(rest);
    const profile = this.profiles.get(rest[1] ?? "");
    if (rest[0] !== "uuid" || profile === undefined) return fail("program.failed", `Error: unknown connection '${rest.join(" ")}'.`);
    switch (verb) {
      case "show": {
        const fields = args[args.findIndex((word) => word === "-f" || word === "-g") + 1]?.split(",") ?? [];
        if (args.includes("-g")) return ok(`${profile.properties.get(fields[0] ?? "") ?? ""}\n`);
        return ok(fields.map((field) => `${field}:${profile.properties.get(field) ?? ""}\n`).join(""));
      }
      case "clone":
        this.#make({ ...profile, id: last, properties: new Map(profile.properties) });
        return ok("cloned\n");
      case "modify":
        return this.#set(profile, rest.slice(2));
      case "delete":
        for (const [device, uuid] of this.active) if (uuid === rest[1]) this.active.delete(device);
        return this.#done(this.profiles.delete(rest[1] ?? ""));
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
    const ssid = properties.get("802-11-wireless.ssid");
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
    if (words.includes("ssid")) properties.set("802-11-wireless.ssid", of("ssid"));
    if (words.includes("wifi-sec.key-mgmt")) properties.set("802-11-wireless-security.key-mgmt", of("wifi-sec.key-mgmt"));
    this.#make({ id: of("con-name"), type: of("type"), device: of("ifname"), properties });
    return ok("successfully added\n");
  }

  #set(profile: Profile, words: readonly string[]): Result<string> {
    for (let at = 0; at < words.length; at += 2) {
      if (words[at] === "connection.id") profile.id = words[at + 1] ?? "";
      else profile.properties.set(words[at] ?? "", words[at + 1] ?? "");
    }
    return ok("");
  }

  #make(profile: Profile): string {
    this.#made += 1;
    const uuid = `00000000-0000-4000-8000-${String(this.#made).padStart(12, "0")}`;
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
