import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);
const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** What a browser says of a request that a page of ours, or a person by hand, made. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

/**
 * Against pages of other origins: a name that somebody's DNS points at loopback is refused by its `Host`,
 * whatever another page asks of the API by its `Origin` or by what its browser says of it. None of that needs a password,
 * which a development cloud does not have.
 */
export class HostGuard {
  readonly #names: ReadonlySet<string>;

  /** `extraName` is what `--host` was given, as people type it into a browser. */
  constructor(extraName?: string) {
    this.#names = extraName === undefined ? LOOPBACK_NAMES : new Set([...LOOPBACK_NAMES, bracketed(extraName).toLowerCase()]);
  }

  /** Throws 403 `request.bad-host` or `request.bad-origin`. `anyOriginMayWrite` for uploads, which carry a token instead. */
  check(request: IncomingMessage, path: { readonly api: boolean; readonly anyOriginMayWrite: boolean }): void {
    const host = request.headers.host ?? "";
    if (!this.isOwnHost(host)) {
      const shown = JSON.stringify(host.slice(0, 100));
      throw new ApiError(403, {
        code: "request.bad-host",
        message: `this server is not called ${shown}`,
        hint: "use 127.0.0.1 or localhost",
      });
    }
    const { origin } = request.headers;
    const foreign = origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`;
    if (path.api) {
      // Pictures and other plain loads carry no origin; browsers say all the same where they come from.
      const site = request.headers["sec-fetch-site"];
      if (!foreign && (typeof site !== "string" || OWN_SITES.has(site))) return;
      throw new ApiError(403, { code: "request.bad-origin", message: "the API answers no page of another origin" });
    }
    if (READS.has(request.method ?? "GET") || path.anyOriginMayWrite || !foreign) return;
    throw new ApiError(403, { code: "request.bad-origin", message: "a page of another origin may not change anything here" });
  }

  isOwnHost(host: string): boolean {
    const name = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?$/i.exec(host)?.[1];
    return name !== undefined && this.#names.has(name.toLowerCase());
  }
}

function bracketed(name: string): string {
  return name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
}
