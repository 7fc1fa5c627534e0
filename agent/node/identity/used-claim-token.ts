import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson } from "../../../platform/runtime/json.ts";

/**
 * Removes a used claim token from the provisioning file: it is a secret that anybody with the card can read. Everything
 * else stays. The file is replaced atomically, so that a power cut leaves the old or the new one. Returns false when there
 * was no token. Error: `provisioning.token-left`.
 */
export function removeClaimToken(path: string): Result<boolean> {
  const temporary = `${path}.tmp`;
  try {
    const stat = lstatSync(path);
    const json = stat.isFile() ? parseJson(readFileSync(path, "utf8").replace(/^\uFEFF/, "")) : undefined;
    if (json === undefined || !isJsonObject(json) || !Object.hasOwn(json, "claimToken")) return ok(false);
    const { claimToken: _used, ...rest } = json;
    rmSync(temporary, { force: true });
    const file = openSync(temporary, "wx", stat.mode & 0o777);
    try {
      writeSync(file, `${JSON.stringify(rest, undefined, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    return ok(true);
  } catch (thrown) {
    return fail("provisioning.token-left", `the used claim token could not be removed from ${path}: ${messageOf(thrown)}`, "delete the file, or make it writable for the agent");
  }
}
