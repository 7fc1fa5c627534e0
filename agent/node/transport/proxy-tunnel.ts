import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect as tlsConnect, type ConnectionOptions } from "node:tls";

/** How to get out of the site's network. */
export interface ProxySettings {
  /** `http://[user:password@]host:port`, or `https://` for a proxy that is itself spoken to over TLS. A function is asked at each connection. */
  readonly proxy?: string | (() => string | undefined);
  /** Hosts reached without it: names, `.suffix`, `host:port` or `*`, separated by commas. Loopback always is. */
  readonly noProxy?: string;
}

/** The proxy could not be reached or would not let us through. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
}

const TUNNEL_TIMEOUT_MS = 15_000;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/i;

/** The proxy for this target; `undefined` for the direct way. Throws `ProxyError` when the setting is no address. */
export function proxyFor(target: URL, { proxy: setting, noProxy }: ProxySettings): URL | undefined {
  const proxy = typeof setting === "function" ? setting() : setting;
  if (proxy === undefined || proxy === "" || LOOPBACK.test(target.hostname)) return undefined;
  const exceptions = (noProxy ?? "").split(",").map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== "");
  if (exceptions.some((entry) => isException(entry, target))) return undefined;
  const url = URL.parse(proxy);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) throw new ProxyError("the proxy's address is not an http or https address");
  return url;
}

function isException(entry: string, target: URL): boolean {
  const [host = "", port] = entry.split(":");
  if (port !== undefined && port !== portOf(target)) return false;
  if (host === "*") return true;
  const name = target.hostname.toLowerCase();
  const suffix = host.startsWith("*.") ? host.slice(1) : host;
  return suffix.startsWith(".") ? name.endsWith(suffix) || name === suffix.slice(1) : name === suffix || name.endsWith(`.${suffix}`);
}

function portOf(target: URL): string {
  if (target.port !== "") return target.port;
  return target.protocol === "wss:" || target.protocol === "https:" ? "443" : "80";
}

type Opened = (error: Error | null, socket?: Socket) => void;

/**
 * Opens a connection to `target` through `proxy` with CONNECT, in TLS where the target wants it. `aborted`
 * ends it at any time. `done` is called once.
 */
export function openTunnel(proxy: URL, target: URL, tls: ConnectionOptions, signal: AbortSignal, done: Opened): void {
  let settled = false;
  const settle: Opened = (error, socket) => {
    if (settled) {
      socket?.destroy();
      return;
    }
    settled = true;
    signal.removeEventListener("abort", onAbort);
    done(error, socket);
  };
  const request = askForTunnel(proxy, target);
  const onAbort = (): void => {
    request.destroy();
    settle(new ProxyError("given up"));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  request.once("connect", (response: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.setTimeout(0);
    if (response.statusCode !== 200) {
      socket.destroy();
      settle(new ProxyError(`the proxy ${proxy.host} answered ${response.statusCode ?? "nothing"} instead of letting us through`));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    if (target.protocol === "wss:" || target.protocol === "https:") secure(socket, target, tls, settle);
    else settle(null, socket);
  });
  request.once("response", (response) => {
    response.resume();
    settle(new ProxyError(`the proxy ${proxy.host} answered ${response.statusCode ?? "nothing"}; it does not tunnel`));
  });
  request.once("timeout", () => request.destroy(new Error(`no answer within ${TUNNEL_TIMEOUT_MS} ms`)));
  // `on`: an error may follow the one that settled this, and unheard it would end the process.
  request.on("error", (error) => settle(new ProxyError(`the proxy ${proxy.host} could not be used: ${error.message}`, { cause: error })));
  request.end();
}

function askForTunnel(proxy: URL, target: URL): ClientRequest {
  const authority = `${target.hostname}:${portOf(target)}`;
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const headers: Record<string, string> = { host: authority };
  if (proxy.username !== "") headers["proxy-authorization"] = `Basic ${Buffer.from(credentials).toString("base64")}`;
  const secured = proxy.protocol === "https:";
  return (secured ? httpsRequest : httpRequest)({
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: proxy.port === "" ? (secured ? 443 : 80) : Number(proxy.port),
    method: "CONNECT",
    path: authority,
    headers,
    agent: false,
    timeout: TUNNEL_TIMEOUT_MS,
  });
}

function secure(socket: Socket, target: URL, tls: ConnectionOptions, settle: Opened): void {
  const name = target.hostname.replace(/^\[|\]$/g, "");
  const secured = tlsConnect({ ...tls, socket, ...(isIP(name) === 0 ? { servername: name } : {}) });
  // Errors of TLS are the target's, not the proxy's: they go out as they are.
  secured.once("secureConnect", () => {
    secured.removeListener("error", settle);
    settle(null, secured);
  });
  secured.once("error", settle);
}
