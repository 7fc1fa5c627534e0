import { ALLOWED_ORIGIN } from "../contract/manifest.ts";
import type { LoadTarget } from "./shell.ts";

/**
 * Where a page's main frame may go. Pure, and the one rule of every shell: the first address and the last of a
 * navigation have to be the content's (`mayNavigate`), a redirect in between may pass elsewhere (`mayPass`), as a
 * sign-in without a form does. A document from elsewhere is never on the glass, and never has the page API.
 */
export interface NavigationRules {
  /** Origins that are the content: its own, and those that its owner named beside it. */
  readonly origins: readonly string[];
}

/** The origins under which a shell serves what is ours. */
export interface OwnOrigins {
  readonly screen: string;
  /** A package's own origin, made of its content hash: another version is another origin, and cannot read the old one's storage. */
  package(id: string): string;
}

/** Host names below `.invalid` never resolve (RFC 6761), so these are ours alone. */
const OWN_DOMAIN = "vitrine.invalid";
/** Each package is a registrable domain of its own: no cookie domain reaches from one to another, and each is a site of its own. */
const PACKAGE_HOST = /^vitrine-[a-z0-9]{1,48}\.invalid$/;

/** For a browser whose requests are answered on their way out. */
export const HTTPS_ORIGINS: OwnOrigins = {
  screen: `https://screen.${OWN_DOMAIN}`,
  package: (id) => `https://vitrine-${label(id)}.invalid`,
};

/** Source of a regular expression for the origin of any package, in either form. */
export const PACKAGE_ORIGIN = "^(?:https://vitrine-[a-z0-9]{1,48}\\.invalid|vitrine-package://[a-z0-9]{1,48})$";

export const SCREEN_SCHEME = "vitrine-screen";
export const PACKAGE_SCHEME = "vitrine-package";

/** For a shell that has schemes of its own, such as Electron. */
export const SCHEME_ORIGINS: OwnOrigins = {
  screen: `${SCREEN_SCHEME}://screen`,
  package: (id) => `${PACKAGE_SCHEME}://${label(id)}`,
};

function label(id: string): string {
  const plain = id.toLowerCase().replace(/[^a-z0-9]/g, "").slice(0, 48);
  return plain === "" ? "0" : plain;
}

/** Where the browser is sent for a target. */
export function addressOf(target: LoadTarget, own: OwnOrigins): string {
  switch (target.kind) {
    case "url":
      return target.url;
    case "package":
      return `${own.package(target.id)}/${target.entry.split("/").map(encodeURIComponent).join("/")}`;
    case "screen":
      return `${own.screen}/${target.screen.kind}`;
  }
}

/** The origin of content, and whether it may use the site's network and this machine. Our own pages have none. */
export function localNetworkOrigin(target: LoadTarget, own: OwnOrigins): { readonly origin: string | undefined; readonly allowed: boolean } {
  if (target.kind === "screen") return { origin: undefined, allowed: false };
  const [origin] = originOf(addressOf(target, own));
  // A package's policy holds it to the hosts its manifest names, and any host may be one of the site's network.
  return { origin, allowed: target.kind === "package" ? target.allowedOrigins.length > 0 : target.localNetwork === true };
}

/** Whether the document at `url` may use the local network, by what is on the stage or coming on. */
export function mayUseLocalNetwork(targets: readonly LoadTarget[], url: string, own: OwnOrigins): boolean {
  return targets.some((target) => {
    const { origin, allowed } = localNetworkOrigin(target, own);
    return allowed && origin !== undefined && mayNavigate({ origins: [origin] }, url);
  });
}

export function rulesFor(target: LoadTarget, own: OwnOrigins): NavigationRules {
  const address = addressOf(target, own);
  const named = target.kind === "url" ? (target.origins ?? []) : [];
  return { origins: [...new Set([address, ...secureTwin(address), ...named].flatMap(originOf))] };
}

/** A server that leads its own plain address to the same host by TLS is still the same server, and now proves it. */
function secureTwin(address: string): string[] {
  const parsed = parse(address);
  return parsed?.protocol === "http:" && parsed.host === parsed.hostname ? [`https://${parsed.hostname}`] : [];
}

/** Whether a navigation of the main frame may begin or end at `url`. */
export function mayNavigate(rules: NavigationRules, url: string): boolean {
  const [origin] = originOf(url);
  return origin !== undefined && rules.origins.includes(origin);
}

/** Whether a redirect may pass through `url`: http and https anywhere but into our own pages and packages. */
export function mayPass(rules: NavigationRules, url: string): boolean {
  const parsed = parse(url);
  if (parsed === undefined || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) return false;
  return isOwn(parsed.hostname) ? mayNavigate(rules, url) : true;
}

/** The same document by its address: what follows `#` is a place inside it, and who asks for it is not part of it. */
export function sameAddress(a: string, b: string): boolean {
  return documentOf(a) === documentOf(b);
}

function documentOf(url: string): string {
  const parsed = parse(url);
  return parsed === undefined ? url : `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search}`;
}

/** Scheme, host and port: what may be said of an address whose path and query may hold secrets. */
export function originForPeople(url: string): string {
  return originOf(url)[0] ?? (parse(url)?.protocol ?? "an address that is none");
}

/** One of our own host names, whose requests never go to a network. */
export function isOwnHost(url: string): boolean {
  const parsed = parse(url);
  return parsed !== undefined && isOwn(parsed.hostname);
}

function isOwn(hostname: string): boolean {
  return hostname === OWN_DOMAIN || hostname.endsWith(`.${OWN_DOMAIN}`) || PACKAGE_HOST.test(hostname);
}

function originOf(url: string): string[] {
  const parsed = parse(url);
  if (parsed === undefined) return [];
  // `URL` gives no origin to schemes it does not know; the browser gives ours one, because they are registered as standard.
  if (parsed.protocol === `${SCREEN_SCHEME}:` || parsed.protocol === `${PACKAGE_SCHEME}:`) return [`${parsed.protocol}//${parsed.host}`];
  return parsed.origin === "null" ? [] : [parsed.origin];
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    // Not an address: no rule allows it.
    return undefined;
  }
}

/**
 * What a package may talk to, said to the browser with everything served from it, errors included: a document without a
 * policy is same-origin with the page, which could fetch through it. Inline code and eval are the customer's own choice
 * inside their own origin; what counts is that nothing leaves for an origin nobody granted. WebRTC is not in reach of a
 * policy (Chromium 150 and 156 do not know the directive); `packageLimits` takes it away.
 */
export function packageCsp(allowedOrigins: readonly string[]): string {
  const granted = allowedOrigins.filter((origin) => ALLOWED_ORIGIN.test(origin));
  const own = ["'self'", "data:", "blob:"];
  const http = granted.filter((origin) => origin.startsWith("http"));
  return [
    `default-src ${[...own, ...http].join(" ")} 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'`,
    `connect-src ${[...own, ...granted].join(" ")}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
  ].join("; ");
}
