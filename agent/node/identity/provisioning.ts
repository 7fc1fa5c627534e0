import { existsSync, lstatSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { placeInJson } from "../../../platform/runtime/json-place.ts";
import { schemaIssueWords } from "../../../platform/runtime/schema-issue.ts";
import { NetworkSchema } from "../../protocol/network-settings.ts";
import { plainIssueIn } from "../../protocol/plain-address.ts";
import { EndpointSchema, PublicKeySchema, TextSchema, TimeZoneSchema } from "../../protocol/values.ts";
import { isErrno } from "./private-file.ts";
import { exampleFor, knownKeysFor } from "./provisioning-advice.ts";
import { decodeProvisioning, parseProvisioningText } from "./provisioning-text.ts";

export const PROVISIONING_BYTES_MAX = 64 * 1024;
/** Mistakes told at a time. */
const ISSUES_MAX = 10;
const ZONES = "/usr/share/zoneinfo";

const CountrySchema = v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, "must be a country's two capital letters (ISO 3166), such as DE"));
const ZoneSchema = v.pipe(TimeZoneSchema, v.check((name) => !existsSync(ZONES) || existsSync(join(ZONES, name)), "must be a time zone that this machine knows, such as Europe/Berlin"));

/** The provisioning file, placed on the boot partition or in the data folder to set up the device without a person. */
export const ProvisioningSchema = v.strictObject({
  /** Cloud addresses, preferred first. */
  endpoints: v.optional(v.pipe(v.array(EndpointSchema), v.minLength(1, "must name at least one address"), v.maxLength(8, "must name at most 8 addresses"))),
  /** The only key that may claim this device: raw Ed25519 public key, base64url. */
  ownerCommandKey: v.optional(PublicKeySchema),
  /** Secret that is sent with the hello while the device is unclaimed. */
  claimToken: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256))),
  /** Human-readable name. */
  deviceName: v.optional(TextSchema),
  /** The same settings as the key `network` of the desired document. */
  network: v.optional(NetworkSchema),
  /** Where the device is, for the rules of its radio (regulatory domain). */
  country: v.optional(CountrySchema),
  /** The machine's time zone. */
  timeZone: v.optional(ZoneSchema),
});
export type Provisioning = v.InferOutput<typeof ProvisioningSchema> & { readonly path: string };

/**
 * Reads the first provisioning file that exists among `paths` (usually the boot partition before the data folder);
 * `undefined` when there is none. A bad file is not skipped in favour of the next: whoever wrote it meant it. Errors name
 * the file and the place in it: `provisioning.unreadable`, `provisioning.malformed`, `link.plain-refused`.
 */
export function readProvisioning(paths: readonly string[], plainAllowed = false): Result<Provisioning | undefined> {
  for (const path of paths) {
    const bytes = readBytes(path);
    if (!bytes.ok) return bytes;
    if (bytes.value !== undefined) return parseProvisioning(path, bytes.value, plainAllowed);
  }
  return ok(undefined);
}

function readBytes(path: string): Result<Uint8Array | undefined> {
  try {
    const stat = statIfVisible(path);
    if (stat === undefined) return ok(undefined);
    if (!stat.isFile() || stat.size > PROVISIONING_BYTES_MAX) return tooLarge(path);
    return ok(readFileSync(path));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT") || isErrno(thrown, "ENOTDIR")) return ok(undefined);
    return fail("provisioning.unreadable", `${path} cannot be read: ${messageOf(thrown)}`, "check the file's owner and mode");
  }
}

/** `undefined` also in a folder that only root may enter, as a boot partition can be: root's own step takes a file from there. */
function statIfVisible(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (thrown) {
    if (isErrno(thrown, "EACCES")) return undefined;
    throw thrown;
  }
}

/**
 * Checks a file as a whole. Errors name `path` and the place in it and contain no value of the file but a certificate's name:
 * `provisioning.malformed`, `provisioning.certificate`, `link.plain-refused`. `hasCertificate`: whether the device has the certificate of a name.
 */
export function parseProvisioning(path: string, bytes: Uint8Array, plainAllowed: boolean, hasCertificate: (name: string) => boolean = () => true): Result<Provisioning> {
  if (bytes.length > PROVISIONING_BYTES_MAX) return tooLarge(path);
  const text = decodeProvisioning(path, bytes);
  const json = text.ok ? parseProvisioningText(path, text.value) : text;
  if (!json.ok) return json;
  const parsed = v.safeParse(ProvisioningSchema, withSecurity(json.value));
  if (!parsed.success) return malformed(path, text.ok ? text.value : "", parsed.issues);
  const missing = certificatesOf(parsed.output.network).find(({ name }) => !hasCertificate(name));
  if (missing !== undefined) return noCertificate(path, text.ok ? text.value : "", missing);
  const plain = plainIssueIn(parsed.output.endpoints ?? [], plainAllowed);
  return plain === undefined ? ok({ ...parsed.output, path }) : fail(plain.code, `${path}: endpoints: ${plain.message}`, plain.hint);
}

interface NamedCertificate {
  readonly name: string;
  /** Its place in the file. */
  readonly keys: readonly string[];
}

function certificatesOf({ wifi, dot1x = {} }: NonNullable<Provisioning["network"]> = {}): readonly NamedCertificate[] {
  const wireless = wifi?.security === "wpa-eap" ? [{ name: wifi.dot1x.certificate, keys: ["network", "wifi", "dot1x", "certificate"] }] : [];
  return [...wireless, ...Object.entries(dot1x).flatMap(([at, access]) => (access === null ? [] : [{ name: access.certificate, keys: ["network", "dot1x", at, "certificate"] }]))];
}

function noCertificate(path: string, text: string, { name, keys }: NamedCertificate): Result<never> {
  const { line, column } = placeInJson(text, keys);
  return fail("provisioning.certificate", `${path}, line ${line}, column ${column}: ${keys.join(".")}: this device has no certificate ${name}`, `put its files into the folder vitrine-certificates/${name} beside this file`);
}

function tooLarge(path: string): Result<never> {
  return fail("provisioning.unreadable", `${path} is not a file of at most ${PROVISIONING_BYTES_MAX} bytes`);
}

/** A person who writes a network's name and password need not know what its encryption is called. */
function withSecurity(json: JsonObject): JsonObject {
  const network: Json | undefined = json["network"];
  const wifi = isJsonObject(network) ? network["wifi"] : undefined;
  if (!isJsonObject(network) || !isJsonObject(wifi) || Object.hasOwn(wifi, "security")) return json;
  return { ...json, network: { ...network, wifi: { ...wifi, security: Object.hasOwn(wifi, "dot1x") ? "wpa-eap" : Object.hasOwn(wifi, "password") ? "wpa-psk" : "open" } } };
}

/** Every mistake with its place, a line each, so that the card is put into a computer once. */
function malformed(path: string, text: string, issues: readonly v.InferIssue<typeof ProvisioningSchema>[]): Result<never> {
  const told = issues.slice(0, ISSUES_MAX).map((issue) => {
    const keys = (issue.path ?? []).map(({ key }) => key as string | number);
    const { line, column } = placeInJson(text, keys);
    const place = `${path}, line ${line}, column ${column}: `;
    const names = keys.map(String);
    if (issue.expected === "never" && names.length > 0) return { message: `${place}"${names.join(".")}" is not a key of this file`, hint: knownKeysFor(names) };
    return { message: `${place}${names.length === 0 ? "" : `${names.join(".")}: `}${schemaIssueWords(issue).message}`, hint: exampleFor(names) };
  });
  return fail("provisioning.malformed", told.map(({ message }) => message).join("\n"), [...new Set(told.map(({ hint }) => hint))].join("; "));
}
