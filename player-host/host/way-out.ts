import type { Issue } from "../../platform/ports/result.ts";
import { isReachedDirectly, noProxyEntries, type NoProxyEntry } from "../../platform/runtime/no-proxy.ts";
import { parseUrl } from "../../platform/runtime/parse-url.ts";
import type { WayOut } from "../contract/link-messages.ts";
import { hostOf, loadIssue } from "./load-issue.ts";

/** The proxy of a way out, split into the parts that a browser needs. */
export interface BrowserProxy {
  /** `http://host:port`, without user and password: every user of the machine can read the command line. */
  readonly server: string;
  /** Hosts reached without the proxy, in the syntax of `--proxy-bypass-list`. */
  readonly bypass: string;
  readonly credentials: ProxyCredentials | undefined;
}

export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

/** The proxy; `undefined` when there is none or it is not valid. The agent validates it, but a stored one may be damaged. */
export function browserProxyOf({ proxy, noProxy = "" }: WayOut): BrowserProxy | undefined {
  const url = proxy === undefined ? undefined : parseUrl(proxy);
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  const credentials = credentialsOf(url);
  if (credentials === "damaged") return undefined;
  return { server: `${url.protocol}//${url.host}`, bypass: noProxyEntries(noProxy).flatMap(bypassRules).join(";"), credentials };
}

function credentialsOf({ username, password }: URL): ProxyCredentials | undefined | "damaged" {
  try {
    return username === "" ? undefined : { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    // A `%` that starts no valid escape.
    return "damaged";
  }
}

/** The way out to `url` as environment variables for Node's HTTP client; `undefined`: not set, so the machine's own apply. */
export function proxyEnvironment(url: URL, wayOut: WayOut): Readonly<Record<string, string>> | undefined {
  if (browserProxyOf(wayOut) === undefined || wayOut.proxy === undefined) return undefined;
  return isDirect(url, wayOut) ? {} : { HTTP_PROXY: wayOut.proxy, HTTPS_PROXY: wayOut.proxy };
}

/** Whether `url` is reached without the proxy. */
export function isDirect(url: URL, { noProxy = "" }: WayOut): boolean {
  return isReachedDirectly(url, noProxy);
}

/** Why a document did not load, from the browser's `reason`. For proxy errors, the browser only says `Failed`. */
export function failedOnTheWay(reason: string, address: string, wayOut: WayOut): Issue {
  const url = parseUrl(address);
  const byProxy = reason === "Failed" && browserProxyOf(wayOut) !== undefined && url !== undefined && !isDirect(url, wayOut);
  return byProxy ? proxyFailure(address, wayOut, "is not there, or does not let it through") : loadIssue(reason, address);
}

/** `host:port` of the proxy, for display. */
export function proxyName(wayOut: WayOut): string | undefined {
  const server = browserProxyOf(wayOut)?.server;
  return server === undefined ? undefined : new URL(server).host;
}

/** The issue for a proxy that requires a user and password, or other ones. */
export function proxyRefusal(url: string): Issue {
  return { code: "net.proxy-password", message: `${hostOf(url)}: the proxy wants a user and a password that it takes; they belong into cloud.proxy.` };
}

/** The issue for a proxy that was unreachable or refused the connection. `why`: what it did. */
export function proxyFailure(url: string, wayOut: WayOut, why: string): Issue {
  return { code: "net.proxy-failed", message: `${hostOf(url)}: the proxy ${proxyName(wayOut) ?? ""} ${why}.` };
}

/** A name stands for itself and its subdomains, for which the browser needs two rules. */
function bypassRules({ host, port }: NoProxyEntry): string[] {
  const end = port === undefined ? "" : `:${port}`;
  return host === "*" || host.startsWith("[") || /^\d+(\.\d+){3}$/.test(host) ? [`${host}${end}`] : [`${host}${end}`, `.${host}${end}`];
}
