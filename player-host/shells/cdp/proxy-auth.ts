import type { Protocol } from "devtools-protocol";
import type { Log } from "../../../platform/ports/log.ts";
import type { ProxyCredentials } from "../../host/way-out.ts";

/** Requests whose challenge was answered and may come back. */
const ASKED_MAX = 500;

/**
 * What the browser is told when it is asked for a password: the proxy's user and password where the proxy asks, once for each
 * request, and nothing where a server asks. The browser would ask over the picture, of somebody who is not there.
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
      if (!this.#refusedSaid) this.#log.error({ proxy: authChallenge.origin }, credentials === undefined ? "the proxy wants a user and a password, and none are configured" : "the proxy does not take the user and password");
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
