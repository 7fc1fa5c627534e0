import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import { decodeProvisioning, parseProvisioningText } from "./provisioning-text.ts";

/** Entries of the provisioning file that are removed once they are used: the secrets in it. */
export type UsedEntry = "claimToken" | "network";

/**
 * Removes a used entry from the provisioning file. Everything else stays. The file is replaced atomically, so that a power
 * cut leaves the old or the new one. Returns false when there was no such entry. Error: `provisioning.token-left`.
 */
export function removeUsedEntry(path: string, entry: UsedEntry): Result<boolean> {
  const temporary = `${path}.tmp`;
  try {
    const stat = lstatSync(path);
    if (!stat.isFile()) return ok(false);
    const text = decodeProvisioning(path, readFileSync(path));
    const json = text.ok ? parseProvisioningText(path, text.value) : text;
    if (!json.ok || !Object.hasOwn(json.value, entry)) return ok(false);
    const { [entry]: _used, ...rest } = json.value;
    rmSync(temporary, { force: true });
    const file = openSync(temporary, "wx", stat.mode & 0o777);
    try {
      // Not `writeSync`, which may write only a part where the disk is nearly full.
      writeFileSync(file, `${JSON.stringify(rest, undefined, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    return ok(true);
  } catch (thrown) {
    return fail("provisioning.token-left", `the used entry ${entry} could not be removed from ${path}: ${messageOf(thrown)}`, "delete the file, or make it writable for the agent");
  }
}
