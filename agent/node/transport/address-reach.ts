import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { networkInterfaces } from "node:os";

/** Network of an IP address, nearest first: this machine, the site's network, the internet. */
const REACHES = ["machine", "site", "internet"] as const;
export type Reach = (typeof REACHES)[number];

const RANGES: Readonly<Record<"machine" | "site", readonly string[]>> = {
  // Linux treats the unspecified address as loopback.
  machine: ["127.0.0.0/8", "0.0.0.0/8", "::/128", "::1/128"],
  // Private (RFC 1918, RFC 4193), link-local, and shared by carriers and overlay networks (RFC 6598).
  site: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"],
};

const LISTS = { machine: listOf(RANGES.machine), site: listOf(RANGES.site) };

/**
 * Reach of an IPv4 or IPv6 address without brackets. An IPv4-mapped IPv6 address counts as its IPv4 address; every address
 * of this machine is `machine`.
 */
export function reachOf(address: string): Reach {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (LISTS.machine.check(address, family) || isOwn(address)) return "machine";
  return LISTS.site.check(address, family) ? "site" : "internet";
}

export function isNearer(a: Reach, b: Reach): boolean {
  return REACHES.indexOf(a) < REACHES.indexOf(b);
}

/** A name or address is nearer than allowed. */
export class TooNear extends Error {
  override readonly name = "TooNear";
  readonly reach: Reach;
  constructor(address: string, reach: Reach) {
    super(`${address} is ${reach === "machine" ? "this machine itself" : "on the site's own network"}`);
    this.reach = reach;
  }
}

/** DNS lookup for connections that may go no nearer than `nearest`: addresses are checked before connecting. */
export function lookupFrom(nearest: Reach): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, "");
      const near = found.find(({ address }) => isNearer(reachOf(address), nearest));
      const [first] = found;
      if (near !== undefined) done(new TooNear(`${hostname} (${near.address})`, reachOf(near.address)), "");
      else if (options.all === true) done(null, found);
      else done(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some((own) => own.address === address));
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix = ""] = range.split("/");
    list.addSubnet(network, Number(prefix), network.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}
