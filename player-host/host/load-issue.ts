import type { Issue } from "../../platform/ports/result.ts";
import type { Code } from "../../platform/ports/codes.ts";

/** A cause of failed loads: our code, our words, and the names that browser and Node use. */
interface Cause {
  readonly code: Code;
  readonly words: string;
  /** DevTools protocol reasons, Chromium network error names, and Node and OpenSSL codes. */
  readonly names: readonly string[];
}

/**
 * Causes used by every shell and by the probe. `net.`: a network problem that may go away by itself. `tls.`,
 * `http.` and `content.`: something answered, and a person has to fix it.
 * Names: Chromium's net/base/net_error_list.h, Node's "Common system errors", OpenSSL's X509_V_ERR_ list.
 */
const CAUSES: readonly Cause[] = [
  { code: "net.timed-out", words: "no answer in time", names: ["TimedOut", "ERR_TIMED_OUT", "ERR_CONNECTION_TIMED_OUT", "ETIMEDOUT"] },
  { code: "net.connection-refused", words: "the connection was refused", names: ["ConnectionRefused", "ERR_CONNECTION_REFUSED", "ECONNREFUSED"] },
  { code: "net.connection-reset", words: "the connection was reset", names: ["ConnectionReset", "ERR_CONNECTION_RESET", "ECONNRESET", "EPIPE"] },
  { code: "net.connection-closed", words: "the connection was closed without an answer", names: ["ConnectionClosed", "ERR_CONNECTION_CLOSED", "ERR_EMPTY_RESPONSE"] },
  { code: "net.connection-aborted", words: "the connection was aborted", names: ["ConnectionAborted", "ERR_CONNECTION_ABORTED", "ECONNABORTED"] },
  { code: "net.connection-failed", words: "no connection", names: ["ConnectionFailed", "ERR_CONNECTION_FAILED"] },
  { code: "net.name-not-resolved", words: "the name is not known, or no name server answers (DNS)", names: ["NameNotResolved", "ERR_NAME_NOT_RESOLVED", "ERR_NAME_RESOLUTION_FAILED", "ERR_DNS_TIMED_OUT", "ENOTFOUND", "EAI_AGAIN"] },
  { code: "net.internet-disconnected", words: "this device has no network", names: ["InternetDisconnected", "ERR_INTERNET_DISCONNECTED", "ENETUNREACH", "ENETDOWN"] },
  { code: "net.address-unreachable", words: "the address cannot be reached", names: ["AddressUnreachable", "ERR_ADDRESS_UNREACHABLE", "EHOSTUNREACH", "EHOSTDOWN"] },
  { code: "net.proxy-failed", words: "the proxy does not let it through", names: ["ERR_PROXY_CONNECTION_FAILED", "ERR_TUNNEL_CONNECTION_FAILED", "ERR_PROXY_AUTH_REQUESTED", "ERR_PROXY_AUTH_UNSUPPORTED", "ERR_PROXY_CERTIFICATE_INVALID", "ERR_PROXY_TUNNEL"] },
  { code: "net.cut-off", words: "the document ended before its end", names: ["ERR_CONTENT_LENGTH_MISMATCH", "ERR_INCOMPLETE_CHUNKED_ENCODING"] },
  { code: "net.blocked-by-response", words: "the server forbids it", names: ["BlockedByResponse", "ERR_BLOCKED_BY_RESPONSE"] },
  { code: "tls.wrong-date", words: "its certificate is not valid on this date", names: ["ERR_CERT_DATE_INVALID"] },
  { code: "tls.expired", words: "its certificate has expired", names: ["CERT_HAS_EXPIRED"] },
  { code: "tls.not-yet-valid", words: "its certificate is not valid yet", names: ["CERT_NOT_YET_VALID"] },
  { code: "tls.wrong-name", words: "its certificate is for another name", names: ["ERR_CERT_COMMON_NAME_INVALID", "ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"] },
  { code: "tls.unknown-issuer", words: "its certificate is from an issuer that this device does not trust", names: ["ERR_CERT_AUTHORITY_INVALID", "DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_UNTRUSTED", "INVALID_CA"] },
  { code: "tls.revoked", words: "its certificate was withdrawn", names: ["ERR_CERT_REVOKED", "CERT_REVOKED"] },
  { code: "tls.weak-certificate", words: "its certificate is too weak", names: ["ERR_CERT_WEAK_SIGNATURE_ALGORITHM", "ERR_CERT_WEAK_KEY", "CA_MD_TOO_WEAK", "EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL"] },
  { code: "tls.client-certificate", words: "it wants a certificate of this device", names: ["ERR_SSL_CLIENT_AUTH_CERT_NEEDED", "ERR_BAD_SSL_CLIENT_AUTH_CERT", "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"] },
  { code: "tls.handshake", words: "it does not speak TLS, or no version that this device knows", names: ["ERR_SSL_PROTOCOL_ERROR", "ERR_SSL_VERSION_OR_CIPHER_MISMATCH", "EPROTO"] },
  { code: "http.bad-answer", words: "what it answers is not HTTP", names: ["ERR_INVALID_HTTP_RESPONSE", "ERR_INVALID_RESPONSE", "ERR_RESPONSE_HEADERS_TOO_BIG", "ERR_RESPONSE_HEADERS_TRUNCATED", "ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH", "ERR_CONTENT_DECODING_FAILED", "ERR_HTTP2_PROTOCOL_ERROR", "ERR_QUIC_PROTOCOL_ERROR", "ERR_INVALID_REDIRECT"] },
  { code: "http.redirect-loop", words: "it redirects in a circle", names: ["ERR_TOO_MANY_REDIRECTS"] },
  { code: "content.forbidden-port", words: "browsers load nothing from this port", names: ["ERR_UNSAFE_PORT"] },
  { code: "content.bad-address", words: "this is not an address of a page", names: ["ERR_INVALID_URL", "ERR_UNKNOWN_URL_SCHEME", "ERR_DISALLOWED_URL_SCHEME"] },
  { code: "content.blocked", words: "the browser blocks it by its rules", names: ["BlockedByClient", "AccessDenied", "ERR_BLOCKED_BY_CLIENT", "ERR_BLOCKED_BY_ADMINISTRATOR", "ERR_ACCESS_DENIED", "ERR_UNSAFE_REDIRECT"] },
];

const BY_NAME: ReadonlyMap<string, Cause> = new Map(CAUSES.flatMap((cause) => cause.names.map((name) => [name, cause] as const)));
/** Prefixes of names that are all treated as one name. */
const FAMILIES: readonly (readonly [prefix: string, name: string])[] = [
  ["HPE_", "ERR_INVALID_HTTP_RESPONSE"],
  ["ERR_SSL_", "ERR_SSL_PROTOCOL_ERROR"],
  ["ERR_ECH_", "ERR_SSL_PROTOCOL_ERROR"],
];
const BAD_CERTIFICATE: Cause = { code: "tls.bad-certificate", words: "its certificate is not acceptable", names: [] };
const UNNAMED: Cause = { code: "net.failed", words: "the connection failed", names: [] };

/**
 * Why `url` could not be loaded, in our own words. `name` is the browser's or Node's error name, with or without `net::`.
 * Their own error texts are not meant for a screen.
 */
export function loadIssue(name: string, url: string): Issue {
  const { code, words } = causeOf(name.replace(/^net::/, ""));
  return { code, message: `${hostOf(url)}: ${words}.` };
}

function causeOf(name: string): Cause {
  const family = FAMILIES.find(([prefix]) => name.startsWith(prefix));
  const known = BY_NAME.get(name) ?? (family && BY_NAME.get(family[1]));
  return known ?? (/(^|_)CERT/.test(name) ? BAD_CERTIFICATE : UNNAMED);
}

/** The host to name in a message, without user, password, path or query, which may be secrets. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    // Not an address, so there is no host to name.
    return "the content's address";
  }
}

/** Ports that browsers refuse to load from: "bad port" in the Fetch standard, section 2.9, read on 2026-11-29. */
const FORBIDDEN_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119,
  123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
  993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

export function isForbiddenPort(url: URL): boolean {
  return url.port !== "" && FORBIDDEN_PORTS.has(Number(url.port));
}

/** Dates of a certificate outside its validity, and the clocks. Milliseconds since the epoch. */
export interface CertificateDates {
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly deviceMs: number;
  /** The server's clock, from its `Date` header; `undefined` when it sent none. */
  readonly serverMs: number | undefined;
}

/** Largest difference between clocks that agree. */
const CLOCKS_AGREE_MS = 10 * 60_000;

/** The issue for a certificate outside its validity: either the certificate's date or this device's clock is wrong. */
export function dateIssue(url: string, dates: CertificateDates): Issue {
  const { validFromMs, validToMs, deviceMs, serverMs } = dates;
  const early = deviceMs < validFromMs;
  const when = early ? `is valid from ${day(validFromMs)} on` : `was valid until ${day(validToMs)}`;
  const ours = `this device's clock says ${day(deviceMs)}`;
  if (serverMs !== undefined && Math.abs(serverMs - deviceMs) > CLOCKS_AGREE_MS && serverMs >= validFromMs && serverMs <= validToMs) {
    return { code: "tls.clock-wrong", message: `${hostOf(url)}: its certificate ${when}, and ${ours}, the server's ${day(serverMs)}: the device's clock is likely wrong.` };
  }
  const agree = serverMs !== undefined && Math.abs(serverMs - deviceMs) <= CLOCKS_AGREE_MS;
  const judge = agree ? ", and so does the server's" : early ? ": the clock is likely behind" : ": check the clock as well";
  return { code: early ? "tls.not-yet-valid" : "tls.expired", message: `${hostOf(url)}: its certificate ${when}; ${ours}${judge}.` };
}

function day(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? "an impossible date" : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
