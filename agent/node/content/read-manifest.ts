import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MANIFEST_NAME, ManifestSchema, type Manifest } from "../../../player-host/contract/manifest.ts";
import { fail, messageOf, type Result } from "../../../platform/ports/result.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { validate } from "../../protocol/codec.ts";
import { diskErrorText } from "./disk-error-text.ts";

/** Reads and checks the manifest of an unpacked package. Error: `content.bad-manifest`. */
export async function readManifest(folder: string): Promise<Result<Manifest>> {
  try {
    return parseManifest(await readFile(join(folder, MANIFEST_NAME)));
  } catch (thrown) {
    return fail("content.bad-manifest", `the package has no readable ${MANIFEST_NAME}: ${diskErrorText(thrown)}`);
  }
}

/** Parses a manifest: JSON in UTF-8, with or without a byte order mark. Error: `content.bad-manifest`. */
export function parseManifest(bytes: Uint8Array): Result<Manifest> {
  let text: string;
  try {
    // Strips a byte order mark.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // The error says nothing beyond "not UTF-8".
    return fail("content.bad-manifest", `${MANIFEST_NAME} is not UTF-8`, "save it as UTF-8; some editors write UTF-16 as \"Unicode\"");
  }
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch (thrown) {
    const comma = /,\s*[}\]]/.exec(text);
    const where = comma === null ? messageOf(thrown).slice(0, 200) : `line ${text.slice(0, comma.index).split("\n").length} has a trailing comma; remove it`;
    return fail("content.bad-manifest", `${MANIFEST_NAME} is not JSON: ${where}`);
  }
  return validate(ManifestSchema, json, MANIFEST_NAME, "content.bad-manifest");
}
