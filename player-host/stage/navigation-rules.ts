import type { LoadTarget } from "./shell.ts";

/** Where a page's main frame may go. Pure; every shell asks it at every hop. */
export interface NavigationRules {
  /** Origins that count as the content itself. */
  readonly origins: readonly string[];
}

/** Host names below this one are ours alone: RFC 6761 says that `.invalid` never resolves. */
const OWN_DOMAIN = "vitrine.invalid";
export const SCREEN_ORIGIN = `https://screen.${OWN_DOMAIN}`;
const PACKAGE_SUFFIX = `.package.${OWN_DOMAIN}`;

/** A package's own origin, made of its content hash: another version is another origin, and cannot read the old one's storage. */
export function packageOrigin(id: string): string {
  const label = id.toLowerCase().replace(/[^a-z0-9]/g, "").slice(0, 48);
  return `https://${label === "" ? "0" : label}${PACKAGE_SUFFIX}`;
}

export function rulesFor(target: LoadTarget): NavigationRules {
  switch (target.kind) {
    case "url":
      return { origins: originOf(target.url) };
    case "package":
      return { origins: [packageOrigin(target.id)] };
    case "screen":
      return { origins: [SCREEN_ORIGIN] };
  }
}

/** A load that we began may be redirected to another origin; that one is then the content's as well. */
export function withOrigin(rules: NavigationRules, url: string): NavigationRules {
  return { origins: [...new Set([...rules.origins, ...originOf(url)])] };
}

/** Whether the page itself may take the main frame to `url`. */
export function mayNavigate(rules: NavigationRules, url: string): boolean {
  const [origin] = originOf(url);
  return origin !== undefined && rules.origins.includes(origin);
}

/** Where a load that we began may be redirected to: http and https anywhere but into our own pages and packages. */
export function mayRedirect(rules: NavigationRules, url: string): boolean {
  const parsed = parse(url);
  if (parsed === undefined || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) return false;
  return isOwn(parsed.hostname) ? rules.origins.includes(parsed.origin) : true;
}

/** One of our own host names, whose requests never go to a network. */
export function isOwnHost(url: string): boolean {
  const parsed = parse(url);
  return parsed !== undefined && isOwn(parsed.hostname);
}

function isOwn(hostname: string): boolean {
  return hostname === OWN_DOMAIN || hostname.endsWith(`.${OWN_DOMAIN}`);
}

function originOf(url: string): string[] {
  const origin = parse(url)?.origin;
  return origin === undefined || origin === "null" ? [] : [origin];
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
 * What a package may talk to, said to the browser with everything served from it. Inline code and eval are the
 * customer's own choice inside their own origin; what counts is that nothing leaves for an origin nobody granted.
 */
export function packageCsp(allowedOrigins: readonly string[]): string {
  const others = allowedOrigins.filter((origin) => /^(?:https?|wss?):\/\/[^\s;,'"]+$/.test(origin)).join(" ");
  const own = `'self' data: blob: ${others}`.trim();
  return [
    `default-src ${own} 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'`,
    "object-src 'none'",
    "base-uri 'self'",
    `form-action 'self'`,
    "frame-ancestors 'self'",
    "webrtc 'block'",
  ].join("; ");
}
