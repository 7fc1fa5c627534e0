import type { Protocol } from "devtools-protocol";
import type { Issue } from "../../../platform/ports/result.ts";

/** Chromium's reason why a document could not be had, in words for the screen and the cloud. */
export function netIssue(reason: Protocol.Network.ErrorReason, url: string): Issue {
  const code = `net.${reason.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase()}`;
  return { code, message: `${hostOf(url)}: ${WORDS[reason] ?? "the connection failed"}.` };
}

const WORDS: Partial<Record<Protocol.Network.ErrorReason, string>> = {
  TimedOut: "no answer in time",
  ConnectionClosed: "the connection was closed",
  ConnectionReset: "the connection was reset",
  ConnectionRefused: "the connection was refused",
  ConnectionAborted: "the connection was aborted",
  ConnectionFailed: "no connection",
  NameNotResolved: "the name is not known (DNS)",
  InternetDisconnected: "this device has no network",
  AddressUnreachable: "the address cannot be reached",
  BlockedByResponse: "the server forbids it",
};

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    // Never seen from the browser; the message then carries the text itself.
    return url.slice(0, 200);
  }
}
