import { lstatSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson } from "../../../platform/runtime/json.ts";
import { schemaIssueWords } from "../../../platform/runtime/schema-issue.ts";
import { plainIssueIn } from "../../protocol/plain-address.ts";
import { EndpointSchema, PublicKeySchema, TextSchema } from "../../protocol/values.ts";
import { isErrno } from "./private-file.ts";

const BYTES_MAX = 64 * 1024;

/** The provisioning file, placed in the data folder or on the boot partition to claim the device without a person. */
const ProvisioningSchema = v.strictObject({
  /** Cloud addresses, preferred first. */
  endpoints: v.optional(v.pipe(v.array(EndpointSchema), v.minLength(1, "must name at least one address"), v.maxLength(8, "must name at most 8 addresses"))),
  /** The only key that may claim this device: raw Ed25519 public key, base64url. */
  ownerCommandKey: v.optional(PublicKeySchema),
  /** Secret that is sent with the hello while the device is unclaimed. */
  claimToken: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256))),
  /** Human-readable name. */
  deviceName: v.optional(TextSchema),
});
export type Provisioning = v.InferOutput<typeof ProvisioningSchema> & { readonly path: string };

/**
 * Reads the first provisioning file that exists among `paths` (usually the boot partition before the data folder);
 * `undefined` when there is none. A bad file is not skipped in favour of the next: whoever wrote it meant it. Errors name
 * the file and the place in it: `provisioning.unreadable`, `provisioning.malformed`, `link.plain-refused`.
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
  // An editor may have added a byte order mark.
  const json = parseJson(text.replace(/^\uFEFF/, ""));
  if (json === undefined) return fail("provisioning.malformed", `${path} is not JSON text`, "check for a missing comma or quote");
  if (!isJsonObject(json)) return fail("provisioning.malformed", `${path} is not a JSON object`, 'it looks like { "endpoints": ["wss://…"] }');
  const parsed = v.safeParse(ProvisioningSchema, json);
  if (parsed.success) return ok({ ...parsed.output, path });
  const issue = parsed.issues[0];
  const place = v.getDotPath(issue);
  const known = Object.keys(ProvisioningSchema.entries).join(", ");
  const unknownKey = issue.expected === "never" && place !== null;
  if (unknownKey) return fail("provisioning.malformed", `${path}: "${place}" is not a key of this file`, `known keys: ${known}`);
  return fail("provisioning.malformed", `${path}${place === null ? "" : `: ${place}`}: ${schemaIssueWords(issue).message}`, `known keys: ${known}`);
}
