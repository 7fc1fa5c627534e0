import * as v from "valibot";
import { fail, ok, type Issue, type Result } from "../../platform/ports/result.ts";
import { parseUrl } from "../../platform/runtime/parse-url.ts";
import { plainIssue } from "./plain-address.ts";

/** An allowed upload host: a name or address; `.example` means it and all names below it. With `:port` only that port is allowed. */
export const UPLOAD_HOST = /^(?:\.?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
export const UPLOAD_HOSTS_MAX = 16;
export const UploadHostsSchema = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(255), v.regex(UPLOAD_HOST, "must be the name of a host, such as uploads.example, .storage.example or store.example:8443"))),
  v.maxLength(UPLOAD_HOSTS_MAX),
);

/**
 * Where uploads may go. A grant is not signed: without these rules, anybody who can speak for the cloud could send the
 * device's pictures anywhere.
 */
export interface UploadRules {
  /** Host of the link's address, without a port; `undefined` before the first session. */
  linkHost(): string | undefined;
  /** Additional hosts that the owner allows, see `UPLOAD_HOST`. */
  hosts(): readonly string[];
  /** See `plainIssue`. */
  readonly plainAllowed: boolean;
}

/** Headers that a grant may set; those of the request itself are never taken from it. */
const HEADERS: ReadonlySet<string> = new Set([
  "authorization", "cache-control", "content-disposition", "content-digest", "content-language", "content-md5", "digest", "if-match", "if-none-match", "repr-digest",
]);
const HEADER_PREFIXES: readonly string[] = ["x-amz-", "x-goog-", "x-ms-", "x-upload-"];
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "host", "connection", "content-length", "content-range", "content-type", "transfer-encoding", "upgrade", "expect", "trailer", "te",
]);

/** Characters that no HTTP header may contain. */
const UNSENDABLE = /[^\t -~\u0080-\u00ff]/;

export interface GrantedAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The address and headers of a grant, if the device may use them. Codes `upload.grant-refused`, `upload.failed` (a value
 * HTTP cannot send).
 */
export function checkGrant(grant: { readonly url: string; readonly headers?: Readonly<Record<string, string>> | undefined }, rules: UploadRules): Result<GrantedAddress> {
  const issue = addressIssue(grant.url, rules);
  if (issue !== undefined) return { ok: false, error: issue };
  const headers = Object.entries(grant.headers ?? {}).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
  const unsendable = headers.find(([, value]) => UNSENDABLE.test(value));
  if (unsendable !== undefined) return fail("upload.failed", `the granted header ${JSON.stringify(unsendable[0].slice(0, 64))} has a value that cannot be sent`);
  const other = headers.find(([name]) => !mayBeGranted(name.toLowerCase()));
  if (other !== undefined) return refused(`the granted header ${JSON.stringify(other[0].slice(0, 64))} is not one that a grant may set`, "docs/protocol.md lists the headers of a grant");
  return ok({ url: grant.url, headers: Object.fromEntries(headers) });
}

function addressIssue(text: string, rules: UploadRules): Issue | undefined {
  const url = parseUrl(text);
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) return refused("the granted address is neither http nor https").error;
  if (url.username !== "" || url.password !== "") return refused("the granted address contains a user name", "put credentials into the grant's headers").error;
  const plain = plainIssue(text, rules.plainAllowed);
  if (plain !== undefined) return refused(`the granted address ${plain.message}`, plain.hint).error;
  const linkHost = rules.linkHost();
  // The link's host may serve uploads on another port.
  if (linkHost !== undefined && url.hostname.toLowerCase() === linkHost.toLowerCase()) return undefined;
  if (rules.hosts().some((host) => isHost(url, host.toLowerCase()))) return undefined;
  return refused(`uploads may not go to ${url.host}`, "name the host in cloud.uploadHosts of the desired state or the configuration").error;
}

function isHost(url: URL, allowed: string): boolean {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(allowed) ?? [];
  if (port !== undefined && port !== (url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port)) return false;
  const name = url.hostname.toLowerCase();
  return host.startsWith(".") ? name.endsWith(host) || name === host.slice(1) : name === host;
}

function mayBeGranted(name: string): boolean {
  return HEADERS.has(name) || HEADER_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function refused(message: string, hint?: string): { readonly ok: false; readonly error: Issue } {
  return fail("upload.grant-refused", message, hint);
}

/** The default rules: this machine only. */
export const LOOPBACK_UPLOADS: UploadRules = { linkHost: () => undefined, hosts: () => ["localhost", "127.0.0.1", "[::1]"], plainAllowed: false };

/** Host of an endpoint, for `UploadRules`. */
export function hostOf(endpoint: string): string | undefined {
  return parseUrl(endpoint)?.hostname;
}

