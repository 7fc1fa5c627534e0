import type { LookupFunction } from "node:net";
import type { NetworkControl, NetworkInterface } from "../../../platform/ports/host.ts";
import type { Dot1xAccess } from "../../../platform/ports/network-settings.ts";
import type { Reading } from "../../../platform/ports/reading.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import { reachOf } from "./address-reach.ts";
import { bare, isAddress, plainAnswer, signInHost } from "./sign-in-page.ts";

/** Failures of a connection behind which another failure may be: the way out of the site is looked at step by step. */
const MAY_HIDE_ANOTHER = /^link\.(?:dns|network|refused|timeout|tls|clock|protocol|http-200|http-3\d\d|http-511)$/;
/** Portals answer at once, since they are on the site; so does the machine about its own interfaces. */
const LIMIT_MS = 3_000;
/** A server's time counts against ours from this difference on: no certificate is decided by less. */
const CLOCK_OFF_MS = 24 * 3_600_000;
/** Addresses that a machine gives itself when nobody gives it one. */
const OF_NOBODY = /^(?:169\.254\.|fe[89ab][0-9a-f]:)/i;

export interface WayOutDeps {
  readonly network: NetworkControl;
  /** Interfaces that ask for access by 802.1X. Absent: none can. */
  readonly access?: () => Promise<Reading<readonly Dot1xAccess[]>>;
  readonly wallMs: () => number;
  /** Whether the connection goes through a proxy, which is then what answers. */
  readonly proxied: boolean;
  /** Where a portal would answer; default 80. */
  readonly portalPort?: number;
  /** See `PlainHttp`. */
  readonly nowhere?: string;
  /** Default: the machine's name service. */
  readonly lookup?: LookupFunction;
  /** Time for all of it; default 3 s. */
  readonly limitMs?: number;
}

/**
 * `issue` of a connection to `url`, or what is really behind it: no network (`link.no-network`), no access by 802.1X
 * (`link.not-admitted`), no address (`link.no-address`), no way out of the site (`link.no-gateway`), a network that wants a sign-in (`link.portal`), a clock that the
 * server contradicts (`link.clock`). What has not answered after `limitMs` is left out.
 */
export async function exactIssue(issue: Issue, url: URL, deps: WayOutDeps): Promise<Issue> {
  if (!MAY_HIDE_ANOTHER.test(issue.code) || isOwn(url.hostname)) return issue;
  const signal = AbortSignal.timeout(deps.limitMs ?? LIMIT_MS);
  const local = await localIssue(deps, url, signal);
  if (local !== undefined) return local;
  if (deps.proxied) return issue;
  const http = { port: deps.portalPort ?? 80, ...(deps.lookup === undefined ? {} : { lookup: deps.lookup }), ...(deps.nowhere === undefined ? {} : { nowhere: deps.nowhere }) };
  const answer = await plainAnswer(url.hostname, http, signal);
  const portal = answer && (await signInHost(url.hostname, answer, http, signal));
  if (portal !== undefined) {
    return { code: "link.portal", message: `${url.host} is answered by ${portal}`, hint: "Sign in there with a browser on this network, or ask its operator to let this device through." };
  }
  const serverMs = answer?.dateMs;
  if (issue.code === "link.tls" && /CERT_NOT_YET_VALID|CERT_HAS_EXPIRED|not yet valid|has expired/.test(issue.message) && serverMs !== undefined && Math.abs(serverMs - deps.wallMs()) > CLOCK_OFF_MS) {
    return { code: "link.clock", message: `${issue.message}; this device's clock says ${day(deps.wallMs())}, and ${url.hostname} says ${day(serverMs)}`, hint: "Set the clock, or check its time service." };
  }
  return issue;
}

async function localIssue({ network, access, wallMs }: WayOutDeps, url: URL, signal: AbortSignal): Promise<Issue | undefined> {
  const read = await within(signal, network.interfaces());
  if (read?.kind !== "ok") return undefined;
  const real = read.value.filter(({ kind }) => kind !== "other");
  const up = read.value.filter((each) => each.up);
  const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join(", ");
  if (!up.some(hasAddress)) {
    const asked = access && (await within(signal, access()));
    // A wireless interface without access is not up either; a cable that is not has no carrier.
    const shut = asked?.kind === "ok" ? asked.value.find((each) => each.shutOut && real.some(({ name, kind, up: isUp }) => name === each.interface && (isUp || kind === "wifi"))) : undefined;
    if (shut !== undefined) return notAdmitted(shut, wallMs());
  }
  if (up.length === 0) return { code: "link.no-network", message: `no network interface is connected${real.length === 0 ? "" : ` (${names(real)})`}`, hint: "Plug in the cable, or set up Wi-Fi." };
  if (!up.some(hasAddress))
    return { code: "link.no-address", message: `${names(up)} is connected and has no address`, hint: "Check that the network assigns addresses (DHCP), or set one by hand." };
  const gateway = await within(signal, network.gateway());
  const onSite = isAddress(url.hostname) && reachOf(bare(url.hostname)) !== "internet";
  if (gateway?.kind !== "unknown" || onSite) return undefined;
  return { code: "link.no-gateway", message: `there is no way out of the site's network: ${gateway.why}`, hint: "Check the router, and the gateway in the network settings." };
}

/** `undefined` when `signal` aborts first. */
function within<T>(signal: AbortSignal, answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    answer.then(resolve, reject);
  });
}

function hasAddress({ addresses }: NetworkInterface): boolean {
  return addresses.some((address) => !OF_NOBODY.test(address));
}

function notAdmitted({ interface: name, method, identity, certificate, subject, notAfterMs }: Dot1xAccess, nowMs: number): Issue {
  const own = method === "tls" ? `the certificate ${certificate ?? ""}${subject === undefined ? "" : ` (${subject})`}` : `${identity} or its password`;
  const expired = notAfterMs !== undefined && nowMs >= notAfterMs ? `, which expired on ${day(notAfterMs).slice(0, 10)}` : "";
  return { code: "link.not-admitted", message: `${name} is not let in by the network (802.1X): it refused ${own}${expired}, or did not answer`, hint: "Ask the network's operator why, or provision a new certificate." };
}

function isOwn(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || (isAddress(host) && reachOf(bare(host)) === "machine");
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}
