import type { Issue } from "../../platform/ports/result.ts";
import { parseUrl } from "../../platform/runtime/parse-url.ts";

/** Code for an unencrypted address on another machine. */
export const PLAIN_REFUSED = "link.plain-refused";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;
const TLS_SCHEMES: ReadonlySet<string> = new Set(["wss:", "https:"]);

/** Whether the `hostname` of a `URL` is this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/**
 * Why `address` must not be used: it is unencrypted and on another machine. With `plainAllowed` (`cloud.allowPlain`, for
 * labs) the owner permits that. An address that cannot be parsed is not judged here.
 */
export function plainIssue(address: string, plainAllowed: boolean): Issue | undefined {
  const url = parseUrl(address);
  if (url === undefined || TLS_SCHEMES.has(url.protocol) || plainAllowed || isLoopback(url.hostname)) return undefined;
  const secure = url.protocol === "ws:" ? "wss://" : "https://";
  return {
    code: PLAIN_REFUSED,
    message: `${url.protocol}//${url.host} is unencrypted and not on this machine`,
    hint: `use ${secure}, or set cloud.allowPlain if everybody on the network may read and change the traffic`,
  };
}

/** The issue of the first forbidden address in `addresses`. */
export function plainIssueIn(addresses: readonly string[], plainAllowed: boolean): Issue | undefined {
  for (const address of addresses) {
    const issue = plainIssue(address, plainAllowed);
    if (issue !== undefined) return issue;
  }
  return undefined;
}
