import type { NetworkInterfaceInfo } from "node:os";
import type { Clock, Timers } from "../ports/clock.ts";
import type { NetworkControl, NetworkInterface } from "../ports/host.ts";
import { failed, seen, unknown, type Reading } from "../ports/reading.ts";
import { ChangePoll } from "./change-poll.ts";
import type { MachineFiles } from "./machine-files.ts";

/** What `os.networkInterfaces` gives. */
export type OsInterfaces = () => NodeJS.Dict<NetworkInterfaceInfo[]>;

const POLL_MS = 3_000;
/** include/uapi/linux/if_arp.h: ARPHRD_LOOPBACK. */
const LOOPBACK_TYPE = "772";
/** include/uapi/linux/route.h. */
const ROUTE_UP = 1;
const ROUTE_GATEWAY = 2;

export interface LinuxNetworkDeps {
  readonly files: MachineFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly osInterfaces: OsInterfaces;
}

/** Interfaces from /sys/class/net, addresses from the kernel through Node, gateway from the routing tables. */
export class LinuxNetwork implements NetworkControl {
  readonly #deps: LinuxNetworkDeps;
  readonly #poll: ChangePoll;

  constructor(deps: LinuxNetworkDeps) {
    this.#deps = deps;
    this.#poll = new ChangePoll(deps.timers, { name: "network.poll", everyMs: POLL_MS, fingerprint: () => this.#fingerprint() });
  }

  interfaces(): Promise<Reading<readonly NetworkInterface[]>> {
    const { files, clock } = this.#deps;
    const names = files.names("sys/class/net");
    if (names.length === 0)
      return Promise.resolve(failed({ code: "network.unreadable", message: "/sys/class/net is empty or cannot be read" }));
    const addresses = this.#deps.osInterfaces();
    const list = names
      .filter((name) => textOf(files, `sys/class/net/${name}/type`) !== LOOPBACK_TYPE)
      .map((name) => this.#interface(name, addresses[name] ?? []))
      // Leave out virtual interfaces (queues, bridges) without an address.
      .filter((entry) => entry.addresses.length > 0 || files.names(`sys/class/net/${entry.name}/device`).length > 0);
    return Promise.resolve(seen(list, clock.monotonicMs()));
  }

  gateway(): Promise<Reading<string>> {
    const { files, clock } = this.#deps;
    const v4 = files.text("proc/net/route");
    const v6 = files.text("proc/net/ipv6_route");
    if (!v4.ok && !v6.ok) return Promise.resolve(failed(v4.error));
    const address = (v4.ok ? gatewayV4(v4.value) : undefined) ?? (v6.ok ? gatewayV6(v6.value) : undefined);
    return Promise.resolve(address === undefined ? unknown("there is no default route") : seen(address, clock.monotonicMs()));
  }

  onChange(changed: () => void): () => void {
    return this.#poll.onChange(changed);
  }

  close(): void {
    this.#poll.close();
  }

  #fingerprint(): string {
    const { files, osInterfaces } = this.#deps;
    const links = files.names("sys/class/net").map((name) => `${name}=${textOf(files, `sys/class/net/${name}/operstate`)}`);
    const addresses = Object.values(osInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.cidr));
    const routes = files.text("proc/net/route");
    return JSON.stringify([links, addresses, routes.ok ? gatewayV4(routes.value) : null]);
  }

  #interface(name: string, addresses: readonly NetworkInterfaceInfo[]): NetworkInterface {
    const { files } = this.#deps;
    const folder = `sys/class/net/${name}`;
    const wireless = files.names(`${folder}/wireless`).length > 0 || files.names(`${folder}/phy80211`).length > 0;
    const kind = wireless ? "wifi" : textOf(files, `${folder}/type`) === "1" ? "ethernet" : "other";
    const operstate = textOf(files, `${folder}/operstate`);
    return {
      name,
      kind,
      // Drivers that do not report a state say "unknown"; then the carrier decides.
      up: operstate === "up" || (operstate === "unknown" && textOf(files, `${folder}/carrier`) === "1"),
      mac: textOf(files, `${folder}/address`),
      addresses: addresses.flatMap((entry) => (entry.cidr === null ? [] : [entry.cidr])),
      receivedBytes: countOf(files, `${folder}/statistics/rx_bytes`),
      sentBytes: countOf(files, `${folder}/statistics/tx_bytes`),
    };
  }
}

/** /proc/net/route: addresses are hexadecimal in the machine's byte order (little-endian on all we run on). */
function gatewayV4(table: string): string | undefined {
  const routes = table
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s+/))
    .map(([, destination, gateway = "", flags = "0", , , metric = "0"]) => ({
      destination,
      gateway,
      flags: Number.parseInt(flags, 16),
      metric: Number(metric),
    }))
    .filter(({ destination, flags }) => destination === "00000000" && (flags & (ROUTE_UP | ROUTE_GATEWAY)) === (ROUTE_UP | ROUTE_GATEWAY))
    .sort((a, b) => a.metric - b.metric);
  const hex = routes[0]?.gateway;
  if (hex === undefined || !/^[0-9A-F]{8}$/i.test(hex)) return undefined;
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".");
}

/** /proc/net/ipv6_route: destination, prefix, source, prefix, next hop, metric, …, flags, device. */
function gatewayV6(table: string): string | undefined {
  const hop = table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(
      ([destination = "", prefix, , , next = "", , , , flags = "0"]) =>
        /^0{32}$/.test(destination) && prefix === "00" && !/^0*$/.test(next) && (Number.parseInt(flags, 16) & ROUTE_GATEWAY) !== 0,
    )?.[4];
  if (hop === undefined) return undefined;
  const groups = hop.match(/.{4}/g)?.join(":") ?? "";
  // The URL parser writes IPv6 addresses in their short form (RFC 5952).
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

function textOf(files: MachineFiles, path: string): string {
  const read = files.text(path);
  return read.ok ? read.value : "";
}

function countOf(files: MachineFiles, path: string): number {
  const count = Number(textOf(files, path));
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
}
