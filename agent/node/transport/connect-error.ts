import type { ClockQuality } from "../../../platform/ports/clock.ts";
import { messageOf, type Issue } from "../../../platform/ports/result.ts";
import { ProxyError } from "./proxy-tunnel.ts";

const DNS = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_NONAME", "ENODATA"]);
const CLOCK = new Set(["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED", "CRL_NOT_YET_VALID", "CRL_HAS_EXPIRED"]);
const TLS = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|EPROTO)/;

/** Turns a connection failure into an issue with a code of the `Transport` port and a hint. */
export function connectIssue(thrown: unknown, url: URL, quality: ClockQuality): Issue {
  if (thrown instanceof ProxyError) return { code: "link.proxy", message: thrown.message, hint: "check the proxy's address and password in the configuration" };
  const code = codeOf(thrown);
  const message = `${url.host}: ${messageOf(thrown) || code}`;
  if (DNS.has(code)) return { code: "link.dns", message, hint: `the name ${url.hostname} could not be resolved: check the network and its DNS server` };
  if (code === "ECONNREFUSED") return { code: "link.refused", message, hint: "nothing listens at that address, or a firewall refuses it" };
  if (code === "ETIMEDOUT" || /handshake has timed out/.test(messageOf(thrown))) return { code: "link.timeout", message };
  if (CLOCK.has(code) && quality !== "synced") {
    return { code: "link.clock", message, hint: "the certificate is not valid at this device's time, and its clock was not confirmed: check the date or NTP" };
  }
  if (CLOCK.has(code) || TLS.test(code)) return { code: "link.tls", message, hint: "the server's certificate was not accepted; verification is never switched off" };
  if (code.startsWith("WS_ERR_") || code.startsWith("HPE_")) return { code: "link.protocol", message };
  return { code: "link.network", message };
}

/** System error code of what was thrown. Of several (IPv4 and IPv6) the last, which decided. */
function codeOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return "";
  if ("code" in thrown && typeof thrown.code === "string") return thrown.code;
  if (thrown instanceof AggregateError) return codeOf(thrown.errors.at(-1));
  return "";
}
