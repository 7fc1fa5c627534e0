import type { Issue } from "../../platform/ports/result.ts";
import { parseUrl } from "../../platform/runtime/parse-url.ts";

/** Code for an address without TLS that leads away from this machine. */
export const PLAIN_REFUSED = "link.plain-refused";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;
const TLS_SCHEMES: ReadonlySet<string> = new Set(["wss:", "https:"]);

/** `hostname` of a `URL` that leads to this machine itself. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/**
 * Why `address` may not be used: it is in plain text and leads to another machine. `plainAllowed` is the owner's word that it may all the
 * same (`cloud.allowPlain`, for labs). An address that cannot be parsed is not judged here.
 */
export function plainIssue(address: string, plainAllowed: boolean): Issue | undefined {
  const url = parseUrl(address);
  if (url === undefined || TLS_SCHEMES.has(url.protocol) || plainAllowed || isLoopback(url.hostname)) return undefined;
  const secure = url.protocol === "ws:" ? "wss://" : "https://";
  return {
    code: PLAIN_REFUSED,
    message: `${url.protocol}//${url.host} is in plain text and not on this machine`,
    hint: `use ${secure}, or set cloud.allowPlain where everybody on the network may read and change what is sent`,
  };
}

/** The first of `addresses` that may not be used. */
export function plainIssueIn(addresses: readonly string[], plainAllowed: boolean): Issue | undefined {
  for (const address of addresses) {
    const issue = plainIssue(address, plainAllowed);
    if (issue !== undefined) return issue;
  }
  return undefined;
}
