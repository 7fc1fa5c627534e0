import type { Protocol } from "devtools-protocol";
import type { Log } from "../../../platform/ports/log.ts";
import type { ProxyCredentials } from "../../host/way-out.ts";

/** Remembered requests that were given credentials. */
const ASKED_MAX = 500;

/**
 * Answers password challenges in the browser's place, which would show a dialog over the picture. A proxy gets the
 * configured credentials once per request; a server gets none.
 */
export class ProxyAuth {
  readonly #credentials: () => ProxyCredentials | undefined;
  readonly #log: Log;
  readonly #asked = new Set<string>();
  #refusedSaid = false;

  constructor(credentials: () => ProxyCredentials | undefined, log: Log) {
    this.#credentials = credentials;
    this.#log = log;
  }

  answer({ requestId, authChallenge }: Pick<Protocol.Fetch.AuthRequiredEvent, "requestId" | "authChallenge">): Protocol.Fetch.AuthChallengeResponse {
    if (authChallenge.source !== "Proxy") return { response: "CancelAuth" };
    const credentials = this.#credentials();
    if (credentials === undefined || this.#asked.has(requestId)) {
      if (!this.#refusedSaid) this.#log.error({ proxy: authChallenge.origin }, credentials === undefined ? "the proxy requires a user and password, but none are configured" : "the proxy rejects the user and password");
      this.#refusedSaid = true;
      return { response: "CancelAuth" };
    }
    for (const oldest of this.#asked) {
      if (this.#asked.size < ASKED_MAX) break;
      this.#asked.delete(oldest);
    }
    this.#asked.add(requestId);
    this.#refusedSaid = false;
    return { response: "ProvideCredentials", ...credentials };
  }
}
