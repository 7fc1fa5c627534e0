import { lstatSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson } from "../../../platform/runtime/json.ts";
import { schemaIssueWords } from "../../../platform/runtime/schema-issue.ts";
import { plainIssueIn } from "../../protocol/plain-address.ts";
import { EndpointSchema, PublicKeySchema, TextSchema } from "../../protocol/values.ts";
import { isErrno } from "./private-file.ts";

export const PROVISIONING_FILE = "vitrine-provision.json";
const BYTES_MAX = 64 * 1024;

/** What somebody put beside the device's data, or on its boot partition, to claim it without a person. */
const ProvisioningSchema = v.strictObject({
  /** Addresses of the cloud, preferred first. */
  endpoints: v.optional(v.pipe(v.array(EndpointSchema), v.minLength(1, "must name at least one address"), v.maxLength(8, "must name at most 8 addresses"))),
  /** The only key that may claim this device: raw Ed25519 public key, base64url. */
  ownerCommandKey: v.optional(PublicKeySchema),
  /** Sent with the hello while the device is unclaimed. A secret. */
  claimToken: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256))),
  /** Name for people. */
  deviceName: v.optional(TextSchema),
});
export type Provisioning = v.InferOutput<typeof ProvisioningSchema> & { readonly path: string };

/**
 * The first provisioning file among `paths` (the boot partition before the data folder is usual), or
 * `undefined` when there is none. Errors name the file and the wrong place: `provisioning.unreadable`,
 * `provisioning.malformed`, `link.plain-refused`. A wrong file is not passed over for the next: whoever wrote it meant it.
 */
export function readProvisioning(paths: readonly string[], plainAllowed = false): Result<Provisioning | undefined> {
  for (const path of paths) {
    const text = readText(path);
    if (!text.ok) return text;
    if (text.value === undefined) continue;
    const parsed = parse(path, text.value);
    const plain = parsed.ok ? plainIssueIn(parsed.value.endpoints ?? [], plainAllowed) : undefined;
    return plain === undefined ? parsed : fail(plain.code, `${path}: endpoints: ${plain.message}`, plain.hint);
  }
  return ok(undefined);
}

function readText(path: string): Result<string | undefined> {
  try {
    const stat = lstatSync(path);
    if (!stat.isFile() || stat.size > BYTES_MAX) return fail("provisioning.unreadable", `${path} is not a file of at most ${BYTES_MAX} bytes`);
    return ok(readFileSync(path, "utf8"));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT") || isErrno(thrown, "ENOTDIR")) return ok(undefined);
    return fail("provisioning.unreadable", `${path} cannot be read: ${messageOf(thrown)}`, "check the file's owner and mode");
  }
}

function parse(path: string, text: string): Result<Provisioning> {
  // Editors on the machine that wrote the card may have put a byte order mark before it.
  const json = parseJson(text.replace(/^\uFEFF/, ""));
  if (json === undefined) return fail("provisioning.malformed", `${path} is not JSON text`, "check for a missing comma or quote");
  if (!isJsonObject(json)) return fail("provisioning.malformed", `${path} is not a JSON object`, 'it looks like { "endpoints": ["wss://…"] }');
  const parsed = v.safeParse(ProvisioningSchema, json);
  if (parsed.success) return ok({ ...parsed.output, path });
  const issue = parsed.issues[0];
  const place = v.getDotPath(issue);
  const known = Object.keys(ProvisioningSchema.entries).join(", ");
  const unknownKey = issue.expected === "never" && place !== null;
  if (unknownKey) return fail("provisioning.malformed", `${path}: "${place}" is not a key of this file`, `it knows ${known}`);
  return fail("provisioning.malformed", `${path}${place === null ? "" : `: ${place}`}: ${schemaIssueWords(issue).message}`, `it knows ${known}`);
}
