import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Issue } from "../../../platform/ports/result.ts";
import type { OriginProbe } from "../../stage/stage.ts";

const TIMEOUT_MS = 8_000;

/**
 * Asks the content's address for its headers, and only whether they come. Certificates are not checked here:
 * the browser does that with its own store when it loads, and nothing of this answer is used. Proxies are
 * those of the environment, as for the browser.
 */
export class HttpOriginProbe implements OriginProbe {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(env: NodeJS.ProcessEnv) {
    this.#http = new HttpAgent({ proxyEnv: env, keepAlive: false });
    this.#https = new HttpsAgent({ proxyEnv: env, keepAlive: false, rejectUnauthorized: false });
  }

  ask(url: string, signal: AbortSignal): Promise<Issue | undefined> {
    let parsed: URL;
    try {
      parsed = new URL(url);
    } catch {
      // The cloud's schema lets no such address through; a hand-written scene can.
      return Promise.resolve({ code: "content.bad-address", message: `${url.slice(0, 200)} is not an address.` });
    }
    if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
      return Promise.resolve({ code: "content.bad-address", message: `${url.slice(0, 200)} is neither http nor https.` });
    }
    return this.#get(parsed, signal);
  }

  #get(url: URL, signal: AbortSignal): Promise<Issue | undefined> {
    const secure = url.protocol === "https:";
    const headers = { accept: "text/html,*/*", "user-agent": "vitrine-probe" };
    return new Promise((resolve) => {
      const take = (response: IncomingMessage): void => {
        const status = response.statusCode ?? 0;
        response.destroy();
        resolve(status >= 500 ? { code: `http.${status}`, message: `${url.host} answers ${status}.` } : undefined);
      };
      const asked = secure
        ? httpsRequest(url, { agent: this.#https, headers, timeout: TIMEOUT_MS, signal }, take)
        : httpRequest(url, { agent: this.#http, headers, timeout: TIMEOUT_MS, signal }, take);
      asked.on("timeout", () => asked.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })));
      asked.on("error", (error) => resolve(issueOf(url, error)));
      asked.end();
    });
  }
}

const WORDS: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: ["net.connection-refused", "the connection was refused"],
  ECONNRESET: ["net.connection-reset", "the connection was reset"],
  ETIMEDOUT: ["net.timed-out", "no answer in time"],
  ENOTFOUND: ["net.name-not-resolved", "the name is not known (DNS)"],
  EAI_AGAIN: ["net.name-not-resolved", "no name server answers (DNS)"],
  EHOSTUNREACH: ["net.address-unreachable", "the address cannot be reached"],
  ENETUNREACH: ["net.internet-disconnected", "this device has no network"],
};

function issueOf(url: URL, error: Error): Issue {
  const errno = "code" in error && typeof error.code === "string" ? error.code : "";
  const [code, words] = WORDS[errno] ?? ["net.failed", error.message];
  return { code, message: `${url.host}: ${words}.` };
}
