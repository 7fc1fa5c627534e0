import { fail, ok, type Result } from "../../platform/ports/result.ts";
import { parseUrl } from "../../platform/runtime/parse-url.ts";

/** Supported proxy protocols. */
export const PROXY_SCHEMES: readonly string[] = ["http:", "https:"];
export const PROXY_WORDS = "the address of a proxy, http://[user:password@]host[:port] or https://…";
const LENGTH_MAX = 512;

/**
 * Parses a proxy address; used by every setting that names one. Code `proxy.bad-address`; the message never repeats the
 * address, which may contain a password.
 */
export function parseProxy(text: string): Result<URL> {
  const bad = (why: string): Result<never> => fail("proxy.bad-address", `${why}; expected ${PROXY_WORDS}`, "write / ? # @ and spaces of a user or password as %2F %3F %23 %40 %20");
  if (text.length > LENGTH_MAX) return bad(`longer than ${LENGTH_MAX} characters`);
  const url = /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text) ? parseUrl(text) : undefined;
  if (url === undefined) return bad("not an address");
  if (!PROXY_SCHEMES.includes(url.protocol)) return bad(`proxies of ${url.protocol}// are not supported`);
  if (url.pathname !== "/" && url.pathname !== "") return bad("a proxy has no path");
  if (url.search !== "" || url.hash !== "") return bad("a proxy has no query");
  if (userOf(url) === undefined) return bad("a % in the user or password is not followed by two hex digits");
  return ok(url);
}

/** User and password, decoded; empty if absent. `undefined` when they cannot be decoded. */
export function userOf(proxy: URL): { readonly user: string; readonly password: string } | undefined {
  try {
    return { user: decodeURIComponent(proxy.username), password: decodeURIComponent(proxy.password) };
  } catch {
    // The decoder throws on an invalid % sequence.
    return undefined;
  }
}
