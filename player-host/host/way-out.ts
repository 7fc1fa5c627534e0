import type { Issue } from "../../platform/ports/result.ts";
import { isReachedDirectly, noProxyEntries, type NoProxyEntry } from "../../platform/runtime/no-proxy.ts";
import { parseUrl } from "../../platform/runtime/parse-url.ts";
import type { WayOut } from "../contract/link-messages.ts";
import { hostOf, loadIssue } from "./load-issue.ts";

/** The proxy of a way out, in the parts that a browser is told. */
export interface BrowserProxy {
  /** `http://host:port`, without user and password: the command line can be read by every user of the machine. */
  readonly server: string;
  /** Hosts reached without it, as `--proxy-bypass-list` wants them. */
  readonly bypass: string;
  readonly credentials: ProxyCredentials | undefined;
}

export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

/** `undefined`: none, or none that could be used; the agent checks what it is given, a kept one may be damaged. */
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
    // A % that begins no character.
    return "damaged";
  }
}

/** The way out to `url` as variables of an environment, for Node's own client; `undefined`: none was said, the machine's own counts. */
export function proxyEnvironment(url: URL, wayOut: WayOut): Readonly<Record<string, string>> | undefined {
  if (browserProxyOf(wayOut) === undefined || wayOut.proxy === undefined) return undefined;
  return isDirect(url, wayOut) ? {} : { HTTP_PROXY: wayOut.proxy, HTTPS_PROXY: wayOut.proxy };
}

/** Whether `url` is reached without the proxy. */
export function isDirect(url: URL, { noProxy = "" }: WayOut): boolean {
  return isReachedDirectly(url, noProxy);
}

/** Why a document did not come, by the browser's word for it. What it says of a proxy is `Failed` and no more. */
export function failedOnTheWay(reason: string, address: string, wayOut: WayOut): Issue {
  const url = parseUrl(address);
  const byProxy = reason === "Failed" && browserProxyOf(wayOut) !== undefined && url !== undefined && !isDirect(url, wayOut);
  return byProxy ? proxyFailure(address, wayOut, "is not there, or does not let it through") : loadIssue(reason, address);
}

/** `host:port` of the proxy, for a sentence to a person. */
export function proxyName(wayOut: WayOut): string | undefined {
  const server = browserProxyOf(wayOut)?.server;
  return server === undefined ? undefined : new URL(server).host;
}

/** The proxy wants another user and password than it was given, or any at all. */
export function proxyRefusal(url: string): Issue {
  return { code: "net.proxy-password", message: `${hostOf(url)}: the proxy wants a user and a password that it takes; they belong into cloud.proxy.` };
}

/** The proxy itself was not there, or would not let us through. `why`: what it did. */
export function proxyFailure(url: string, wayOut: WayOut, why: string): Issue {
  return { code: "net.proxy-failed", message: `${hostOf(url)}: the proxy ${proxyName(wayOut) ?? ""} ${why}.` };
}

/** A name stands for itself and for everything below it, which the browser wants told as two rules. */
function bypassRules({ host, port }: NoProxyEntry): string[] {
  const end = port === undefined ? "" : `:${port}`;
  return host === "*" || host.startsWith("[") || /^\d+(\.\d+){3}$/.test(host) ? [`${host}${end}`] : [`${host}${end}`, `.${host}${end}`];
}
