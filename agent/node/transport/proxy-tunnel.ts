import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect as tlsConnect, type ConnectionOptions } from "node:tls";
import { isReachedDirectly } from "../../../platform/runtime/no-proxy.ts";
import { parseProxy, userOf } from "../../protocol/proxy-address.ts";

/** Proxy settings for leaving the site's network. */
export interface ProxySettings {
  /** `http://[user:password@]host:port`, or `https://` for TLS to the proxy itself. A function is called for each connection. */
  readonly proxy?: string | (() => string | undefined);
  /** Hosts reached directly, see `noProxyEntries`. This machine and link-local addresses always are. */
  readonly noProxy?: string;
}

/** The proxy could not be reached or refused us. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
}

const TUNNEL_TIMEOUT_MS = 15_000;

/** The proxy for this target; `undefined` for a direct connection. Throws `ProxyError` when the setting is not an address. */
export function proxyFor(target: URL, { proxy: setting, noProxy }: ProxySettings): URL | undefined {
  const proxy = typeof setting === "function" ? setting() : setting;
  if (proxy === undefined || proxy === "" || isReachedDirectly(target, noProxy ?? "")) return undefined;
  const parsed = parseProxy(proxy);
  if (!parsed.ok) throw new ProxyError(`the proxy's address cannot be used: ${parsed.error.message}`);
  return parsed.value;
}

function portOf(target: URL): string {
  if (target.port !== "") return target.port;
  return target.protocol === "wss:" || target.protocol === "https:" ? "443" : "80";
}

type Opened = (error: Error | null, socket?: Socket) => void;

/**
 * Opens a connection to `target` through `proxy` with CONNECT, with TLS if the target needs it. `signal` ends it at any
 * step. `done` is called once; a connection that is not handed over is closed.
 */
export function openTunnel(proxy: URL, target: URL, tls: ConnectionOptions, signal: AbortSignal, done: Opened): void {
  const open: { destroy(): void }[] = [];
  let settled = false;
  const settle: Opened = (error, socket) => {
    if (settled) return;
    settled = true;
    signal.removeEventListener("abort", onAbort);
    if (error !== null) for (const opened of open) opened.destroy();
    done(error, socket);
  };
  const onAbort = (): void => settle(new ProxyError("given up"));
  if (signal.aborted) {
    onAbort();
    return;
  }
  signal.addEventListener("abort", onAbort, { once: true });
  const request = askForTunnel(proxy, target, tls);
  open.push(request);
  request.once("connect", (response: IncomingMessage, socket: Socket, head: Buffer) => {
    open.push(socket);
    // After handover, errors belong to the new owner; until then they must not crash the process.
    socket.on("error", (error) => settle(new ProxyError(`the connection to the proxy ${proxy.host} failed: ${error.message}`, { cause: error })));
    if (settled) {
      socket.destroy();
    } else if (response.statusCode !== 200) {
      settle(new ProxyError(`the proxy ${proxy.host} answered ${response.statusCode ?? "nothing"} instead of opening the tunnel`));
    } else {
      if (head.length > 0) socket.unshift(head);
      if (target.protocol === "wss:" || target.protocol === "https:") open.push(secure(socket, target, tls, settle));
      else {
        socket.setTimeout(0);
        settle(null, socket);
      }
    }
  });
  request.once("response", (response) => {
    response.resume();
    settle(new ProxyError(`the proxy ${proxy.host} answered ${response.statusCode ?? "nothing"}; it does not support CONNECT`));
  });
  request.once("timeout", () => request.destroy(new Error(`no answer within ${TUNNEL_TIMEOUT_MS} ms`)));
  // `on`, not `once`: another error may follow, and unhandled it would crash the process.
  request.on("error", (error) => settle(new ProxyError(`the proxy ${proxy.host} could not be used: ${error.message}`, { cause: error })));
  request.end();
}

function askForTunnel(proxy: URL, target: URL, tls: ConnectionOptions): ClientRequest {
  const authority = `${target.hostname}:${portOf(target)}`;
  const headers: Record<string, string> = { host: authority };
  const credentials = userOf(proxy);
  if (credentials !== undefined && proxy.username !== "") {
    headers["proxy-authorization"] = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
  }
  const name = proxy.hostname.replace(/^\[|\]$/g, "");
  const secured = proxy.protocol === "https:";
  return (secured ? httpsRequest : httpRequest)({
    host: name,
    port: proxy.port === "" ? (secured ? 443 : 80) : Number(proxy.port),
    method: "CONNECT",
    path: authority,
    headers,
    agent: false,
    timeout: TUNNEL_TIMEOUT_MS,
    // Otherwise Node would take the server name from the Host header and check the proxy's certificate against the target's name.
    ...(secured && { ...tls, servername: isIP(name) === 0 ? name : "" }),
  });
}

function secure(socket: Socket, target: URL, tls: ConnectionOptions, settle: Opened): Socket {
  const name = target.hostname.replace(/^\[|\]$/g, "");
  const secured = tlsConnect({ ...tls, socket, ...(isIP(name) === 0 ? { servername: name } : {}) });
  const late = (): void => {
    secured.destroy(Object.assign(new Error(`no TLS handshake within ${TUNNEL_TIMEOUT_MS} ms`), { code: "ETIMEDOUT" }));
  };
  socket.setTimeout(TUNNEL_TIMEOUT_MS, late);
  // TLS errors come from the target, not the proxy, so they are not wrapped.
  secured.on("error", settle);
  secured.once("close", () => settle(new Error("the connection closed during the TLS handshake")));
  secured.once("secureConnect", () => {
    socket.removeListener("timeout", late);
    socket.setTimeout(0);
    settle(null, secured);
  });
  return secured;
}
