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

/** Other names and addresses that lead here: Linux takes the unspecified address for loopback, and IPv6 can hold an address of IPv4. */
const THIS_MACHINE = /^(?:(?:.+\.)?localhost\.?|0(?:\.\d{1,3}){3}|\[::(?:ffff:(?:7f[0-9a-f]{2}|0):[0-9a-f]{1,4})?\])$/i;

/** Whether `hostname` of a `URL` leads to this machine under any spelling: for what must not come here, where `isLoopback` is for what may. */
export function leadsHere(hostname: string): boolean {
  return isLoopback(hostname) || THIS_MACHINE.test(hostname);
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
