import type { Protocol } from "devtools-protocol";
import type { Log } from "../../../platform/ports/log.ts";
import { localNetworkOrigin, type OwnOrigins } from "../../stage/navigation-rules.ts";
import type { LoadTarget } from "../../stage/shell.ts";
import { cdpFailure, type Cdp } from "../cdp/cdp-client.ts";

/**
 * Names of the permission to reach the site's network and this machine, newest first. Chromium 150 and 156 accept both forms,
 * but after granting the old name they still refuse the requests.
 */
const NAMES: readonly (readonly Protocol.Browser.PermissionType[])[] = [["localNetwork", "loopbackNetwork"], ["localNetworkAccess"]];
const CALL_TIMEOUT_MS = 2_000;

/** Grants the local network permission to the origin of content that may have it, and revokes it when it no longer may. */
export class LocalNetwork {
  readonly #cdp: Cdp;
  readonly #own: OwnOrigins;
  readonly #log: Log;
  readonly #granted = new Set<string>();

  constructor(cdp: Cdp, own: OwnOrigins, log: Log) {
    this.#cdp = cdp;
    this.#own = own;
    this.#log = log;
  }

  /** Call before the content is loaded. Never rejects: a permission that cannot be set is logged, and the page's requests are refused. */
  async allow(target: LoadTarget): Promise<void> {
    const { origin, allowed } = localNetworkOrigin(target, this.#own);
    if (origin === undefined || allowed === this.#granted.has(origin)) return;
    if (allowed ? await this.#grant(origin) : await this.#set(origin, [])) {
      if (allowed) this.#granted.add(origin);
      else this.#granted.delete(origin);
    }
  }

  async #grant(origin: string): Promise<boolean> {
    for (const names of NAMES) if (await this.#set(origin, names)) return true;
    // A browser that predates the permission does not refuse these requests either.
    this.#log.warn({ origin }, "the browser does not know the permission for the local network");
    return false;
  }

  async #set(origin: string, permissions: readonly Protocol.Browser.PermissionType[]): Promise<boolean> {
    try {
      await this.#cdp.call("Browser.grantPermissions", { origin, permissions: [...permissions] }, { timeoutMs: CALL_TIMEOUT_MS });
      return true;
    } catch (thrown) {
      this.#log.warn({ origin, permissions, error: cdpFailure(thrown) }, "a permission could not be set");
      return false;
    }
  }
}
