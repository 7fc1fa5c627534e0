import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);
const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Against pages of other origins: a name that somebody's DNS points at loopback is refused by its `Host`,
 * a write from another page by its `Origin`. Neither needs a password, which a development cloud does not have.
 */
export class HostGuard {
  readonly #names: ReadonlySet<string>;

  /** `extraName` is what `--host` was given, as people type it into a browser. */
  constructor(extraName?: string) {
    this.#names = extraName === undefined ? LOOPBACK_NAMES : new Set([...LOOPBACK_NAMES, bracketed(extraName).toLowerCase()]);
  }

  /** Throws 403 `request.bad-host` or `request.bad-origin`. `anyOriginMayWrite` for uploads, which carry a token instead. */
  check(request: IncomingMessage, anyOriginMayWrite: boolean): void {
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
    if (READS.has(request.method ?? "GET") || anyOriginMayWrite || origin === undefined) return;
    if (origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
      throw new ApiError(403, { code: "request.bad-origin", message: "a page of another origin may not change anything here" });
    }
  }

  isOwnHost(host: string): boolean {
    const name = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?$/i.exec(host)?.[1];
    return name !== undefined && this.#names.has(name.toLowerCase());
  }
}

function bracketed(name: string): string {
  return name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
}
