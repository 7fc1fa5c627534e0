import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);
const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Values of `Sec-Fetch-Site` for requests from our own pages or typed by the user. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

/**
 * Protects against pages of other origins, since a development cloud has no password. `Host` catches foreign names
 * that resolve to loopback (DNS rebinding); `Origin` and `Sec-Fetch-Site` catch other pages that call the API.
 */
export class HostGuard {
  readonly #names: ReadonlySet<string>;

  /** `extraName`: the value of `--host`, as typed into a browser. */
  constructor(extraName?: string) {
    this.#names = extraName === undefined ? LOOPBACK_NAMES : new Set([...LOOPBACK_NAMES, bracketed(extraName).toLowerCase()]);
  }

  /** Throws 403 `request.bad-host` or `request.bad-origin`. `anyOriginMayWrite` is for uploads, which carry a token. */
  check(request: IncomingMessage, path: { readonly api: boolean; readonly anyOriginMayWrite: boolean }): void {
    const host = request.headers.host ?? "";
    if (!this.isOwnHost(host)) {
      const shown = JSON.stringify(host.slice(0, 100));
      throw new ApiError(403, {
        code: "request.bad-host",
        message: `this server does not answer to the name ${shown}`,
        hint: "use 127.0.0.1 or localhost",
      });
    }
    const { origin } = request.headers;
    const foreign = origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`;
    if (path.api) {
      // Loads of images and the like carry no Origin, but browsers send Sec-Fetch-Site with them.
      const site = request.headers["sec-fetch-site"];
      if (!foreign && (typeof site !== "string" || OWN_SITES.has(site))) return;
      throw new ApiError(403, { code: "request.bad-origin", message: "the API does not answer pages of other origins" });
    }
    if (READS.has(request.method ?? "GET") || path.anyOriginMayWrite || !foreign) return;
    throw new ApiError(403, { code: "request.bad-origin", message: "pages of other origins cannot change anything here" });
  }

  isOwnHost(host: string): boolean {
    const name = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?$/i.exec(host)?.[1];
    return name !== undefined && this.#names.has(name.toLowerCase());
  }
}

function bracketed(name: string): string {
  return name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
}
