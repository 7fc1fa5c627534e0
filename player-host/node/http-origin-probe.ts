import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { TLSSocket } from "node:tls";
import type { Clock } from "../../platform/ports/clock.ts";
import type { WayOut } from "../contract/link-messages.ts";
import type { Issue } from "../../platform/ports/result.ts";
import type { OriginProbe, ProbeAnswer } from "../stage/origin-probe.ts";
import { dateIssue, isForbiddenPort, loadIssue } from "../host/load-issue.ts";
import { browserProxyOf, isDirect, proxyEnvironment, proxyFailure, proxyRefusal } from "../host/way-out.ts";

/** Timeouts of the probe. */
export interface ProbePatience {
  /** Without a connection within this time, the origin is away. */
  readonly connectMs: number;
  /** If connected but without headers within this time, the origin is slow, not away. The browser waits longer; the picture stays on. */
  readonly headersMs: number;
}

export interface ProbeDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** The agent's way out, read for every request. */
  readonly wayOut?: () => WayOut;
  readonly patience?: ProbePatience;
}

const PATIENCE: ProbePatience = { connectMs: 8_000, headersMs: 8_000 };

/**
 * Requests the content's address and checks whether response headers arrive. Problems that the browser judges by its own rules
 * (certificates, HTTP, ports) do not mean that the origin is away; they become a remark, for the message if the load fails. Uses
 * the same proxy as the browser: the agent's or, if it names none, the environment's.
 */
export class HttpOriginProbe implements OriginProbe {
  readonly #env: NodeJS.ProcessEnv;
  readonly #wayOut: () => WayOut;
  readonly #clock: Clock;
  readonly #patience: ProbePatience;

  constructor({ env, clock, wayOut = () => ({}), patience = PATIENCE }: ProbeDeps) {
    this.#clock = clock;
    this.#patience = patience;
    this.#env = env;
    this.#wayOut = wayOut;
  }

  ask(url: string, signal: AbortSignal): Promise<ProbeAnswer> {
    let parsed: URL;
    try {
      parsed = new URL(url);
    } catch {
      // The cloud's schema lets no such address through; a hand-written scene can.
      return Promise.resolve(away({ code: "content.bad-address", message: "The content's address is not an address." }));
    }
    if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
      return Promise.resolve(away({ code: "content.bad-address", message: `The content's address is neither http nor https but ${parsed.protocol.slice(0, 40)}` }));
    }
    if (isForbiddenPort(parsed)) return Promise.resolve(answers(loadIssue("ERR_UNSAFE_PORT", url)));
    return this.#get(parsed, signal);
  }

  #get(url: URL, signal: AbortSignal): Promise<ProbeAnswer> {
    const headers = { accept: "text/html,*/*", "user-agent": "vitrine-probe" };
    const { connectMs, headersMs } = this.#patience;
    const wayOut = this.#wayOut();
    const proxyEnv = proxyEnvironment(url, wayOut) ?? this.#env;
    return new Promise((resolve) => {
      let connected = false;
      const take = (response: IncomingMessage): void => {
        const status = response.statusCode ?? 0;
        const remark = this.#certificate(url, response);
        response.destroy();
        if (status === 407) resolve(away(proxyRefusal(url.href)));
        else resolve(status >= 500 ? away({ code: `http.${status}`, message: `${url.host} answers ${status}.` }) : answers(remark));
      };
      const options = { headers, timeout: connectMs, signal };
      const asked: ClientRequest = url.protocol === "https:"
        ? httpsRequest(url, { ...options, agent: new HttpsAgent({ proxyEnv, keepAlive: false, rejectUnauthorized: false }) }, take)
        : httpRequest(url, { ...options, agent: new HttpAgent({ proxyEnv, keepAlive: false }) }, take);
      asked.on("socket", (socket) => {
        socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", () => {
          connected = true;
          asked.setTimeout(headersMs);
        });
      });
      asked.on("timeout", () => {
        resolve(connected ? answers() : away(loadIssue("ETIMEDOUT", url.href)));
        asked.destroy();
      });
      asked.on("error", (error) => resolve(proxyTrouble(url, error, wayOut) ?? judge(url, error)));
      asked.end();
    });
  }

  /** What is wrong with the certificate by Node's rules and this device's clock. Dates first: a person can fix the clock here. */
  #certificate(url: URL, { socket, headers }: IncomingMessage): Issue | undefined {
    if (!(socket instanceof TLSSocket) || socket.authorized) return undefined;
    const { valid_from: from, valid_to: to } = socket.getPeerCertificate();
    const [validFromMs, validToMs, deviceMs] = [Date.parse(from), Date.parse(to), this.#clock.wallMs()];
    // Typed as an Error, but Node sets an error code string.
    if (deviceMs >= validFromMs && deviceMs <= validToMs) return loadIssue(String(socket.authorizationError), url.href);
    const serverMs = headers.date === undefined ? Number.NaN : Date.parse(headers.date);
    return dateIssue(url.href, { validFromMs, validToMs, deviceMs, serverMs: Number.isNaN(serverMs) ? undefined : serverMs });
  }
}

/** With a proxy we connect only to the proxy, so connection errors concern it and not the content's host. */
function proxyTrouble(url: URL, error: Error & { code?: unknown; statusCode?: unknown }, wayOut: WayOut): ProbeAnswer | undefined {
  if (browserProxyOf(wayOut) === undefined || isDirect(url, wayOut)) return undefined;
  const status = error.code === "ERR_PROXY_TUNNEL" ? Number(error.statusCode ?? /\b(\d{3})\b/.exec(error.message)?.[1]) : undefined;
  if (status === 407) return away(proxyRefusal(url.href));
  if (status !== undefined) return away(proxyFailure(url.href, wayOut, Number.isNaN(status) ? "does not let it through" : `answers ${status} and does not let it through`));
  const words = { ECONNREFUSED: "refuses the connection", ENOTFOUND: "has a name that is not known (DNS)", EAI_AGAIN: "has a name that is not known (DNS)", EHOSTUNREACH: "cannot be reached", ENETUNREACH: "cannot be reached", ECONNRESET: "ends the connection" }[String(error.code)];
  return words === undefined ? undefined : away(proxyFailure(url.href, wayOut, words));
}

/** Only `net.…` errors mean away. Otherwise something answered, and the browser may understand it better than we do. */
function judge(url: URL, error: Error): ProbeAnswer {
  const issue = loadIssue("code" in error && typeof error.code === "string" ? error.code : "", url.href);
  return issue.code.startsWith("net.") ? away(issue) : answers(issue);
}

function answers(remark?: Issue): ProbeAnswer {
  return remark === undefined ? { kind: "answers" } : { kind: "answers", remark };
}

function away(error: Issue): ProbeAnswer {
  return { kind: "away", error };
}
