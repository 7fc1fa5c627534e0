import { ALLOWED_ORIGIN } from "../contract/manifest.ts";
import type { LoadTarget } from "./shell.ts";

/**
 * Where a page's main frame may navigate. Pure, and the same for every shell: the first and last address of a
 * navigation must belong to the content (`mayNavigate`); redirects in between may pass elsewhere (`mayPass`), as in a
 * sign-in without a form. A document from elsewhere is never on the glass and never gets the page API.
 */
export interface NavigationRules {
  /** Origins of the content: its own and the further ones named by its owner. */
  readonly origins: readonly string[];
}

/** The origins under which a shell serves our own pages and packages. */
export interface OwnOrigins {
  readonly screen: string;
  /** A package's own origin, derived from its content hash: each version has another origin and cannot read the storage of others. */
  package(id: string): string;
}

/** Host names below `.invalid` never resolve (RFC 6761), so these are ours alone. */
const OWN_DOMAIN = "vitrine.invalid";
/** Each package is a registrable domain, and so a site, of its own: packages cannot share cookies. */
const PACKAGE_HOST = /^vitrine-[a-z0-9]{1,48}\.invalid$/;

/** For a browser whose requests we intercept and answer. */
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

/** The address to load for a target. */
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

/** The content's origin, and whether it may use the site's network and this machine. `origin` is `undefined` for our own pages. */
export function localNetworkOrigin(target: LoadTarget, own: OwnOrigins): { readonly origin: string | undefined; readonly allowed: boolean } {
  if (target.kind === "screen") return { origin: undefined, allowed: false };
  const [origin] = originOf(addressOf(target, own));
  // A package's policy limits it to the hosts in its manifest, and any of them may be on the site's network.
  return { origin, allowed: target.kind === "package" ? target.allowedOrigins.length > 0 : target.localNetwork === true };
}

/** Whether the document at `url` may use the local network. `targets`: what is on the stage or loading. */
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

/** The HTTPS origin of an HTTP address on the default port: servers commonly redirect to it. */
function secureTwin(address: string): string[] {
  const parsed = parse(address);
  return parsed?.protocol === "http:" && parsed.host === parsed.hostname ? [`https://${parsed.hostname}`] : [];
}

/** Whether a navigation of the main frame may start or end at `url`. */
export function mayNavigate(rules: NavigationRules, url: string): boolean {
  const [origin] = originOf(url);
  return origin !== undefined && rules.origins.includes(origin);
}

/** Whether a redirect may pass through `url`: any HTTP or HTTPS address, except those of our own pages and other packages. */
export function mayPass(rules: NavigationRules, url: string): boolean {
  const parsed = parse(url);
  if (parsed === undefined || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) return false;
  return isOwn(parsed.hostname) ? mayNavigate(rules, url) : true;
}

/** Whether two addresses name the same document: ignores the fragment, user and password. */
export function sameAddress(a: string, b: string): boolean {
  return documentOf(a) === documentOf(b);
}

function documentOf(url: string): string {
  const parsed = parse(url);
  return parsed === undefined ? url : `${parsed.protocol}//${parsed.host}${parsed.pathname}${parsed.search}`;
}

/** Scheme, host and port: the part of an address that may be shown, because path and query may hold secrets. */
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
  // `URL` gives unknown schemes no origin; the browser gives ours one, because they are registered as standard schemes.
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
 * The Content-Security-Policy of a package. It is sent with every response, errors included: a document without a
 * policy is same-origin with the page, which could fetch through it. Inline code and eval are the customer's own choice
 * inside their own origin; the policy only prevents requests to origins that were not granted. It cannot block WebRTC
 * (Chromium 150 and 156 do not know the directive), so `packageLimits` removes WebRTC.
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
