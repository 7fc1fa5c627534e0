import { createHash } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fail, foreignCode, messageOf, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../../platform/runtime/json.ts";
import { readPrivate, writePrivate } from "./private-file.ts";
import { parseProvisioning } from "./provisioning.ts";

/** Files in the data folder that the step writes. */
export const TAKEN = { file: "vitrine-provision.json", mark: "vitrine-provision.taken", refused: "vitrine-provision.refused" } as const;

/**
 * Takes a provisioning file from the boot partition into the data folder, as the agent's user: a file of mode 0600, complete
 * and synced when this returns. Entries that it does not name stay as an earlier file set them, so that a second file with
 * another network does not lose the cloud. Taking the same file again changes nothing, because the agent may have used and
 * removed entries since. `name` is how messages name the file. `hasCertificate`: whether the device has one of this name; absent: it is not
 * asked.
 *
 * A file with a mistake is refused as a whole and left to its author; the error is kept for the agent to show. Errors:
 * `provisioning.malformed`, `provisioning.unreadable` (too large), `provisioning.not-taken` (the data folder takes no writes).
 */
export function takeProvisioning(folder: string, name: string, bytes: Uint8Array, hasCertificate?: (certificate: string) => boolean): Result<"taken" | "known"> {
  const digest = createHash("sha256").update(bytes).digest("hex");
  try {
    const mark = readPrivate(join(folder, TAKEN.mark));
    if (mark.kind === "text" && mark.text === digest) return ok("known");
    // Plain-text addresses are judged by the agent, which knows its configuration.
    const parsed = parseProvisioning(name, bytes, true, hasCertificate);
    if (!parsed.ok) {
      writePrivate(join(folder, TAKEN.refused), JSON.stringify(parsed.error));
      return parsed;
    }
    const { path: _path, ...wanted } = parsed.value;
    writePrivate(join(folder, TAKEN.file), `${JSON.stringify({ ...lasting(folder), ...wanted }, undefined, 2)}\n`);
    rmSync(join(folder, TAKEN.refused), { force: true });
    writePrivate(join(folder, TAKEN.mark), digest);
    return ok("taken");
  } catch (thrown) {
    return fail("provisioning.not-taken", `${name} could not be taken into ${folder}: ${messageOf(thrown)}`, "check that the folder can be written; the file is taken at the next start");
  }
}

/** Keeps for the agent to show that a file is not read because of its name: `provisioning.misnamed`, `provisioning.not-taken`. */
export function refuseMisnamed(folder: string, name: string): Result<never> {
  return refuse(folder, { code: "provisioning.misnamed", message: `${name} is not read: the file has to be called vitrine.json`, hint: "save it as plain text under the name vitrine.json, or delete it" });
}

/** Keeps for the agent to show why certificates on the boot partition cannot be used: `provisioning.certificate`, `provisioning.not-taken`. */
export function refuseCertificate(folder: string, words: string): Result<never> {
  return refuse(folder, { code: "provisioning.certificate", message: words.trim().slice(0, 1000), hint: "mend the files on the boot partition as vitrine-problem.txt says" });
}

function refuse(folder: string, error: Issue): Result<never> {
  try {
    writePrivate(join(folder, TAKEN.refused), JSON.stringify(error));
    return { ok: false, error };
  } catch (thrown) {
    return fail("provisioning.not-taken", `${folder} cannot be written: ${messageOf(thrown)}`, "check its owner and mode, and the disk");
  }
}

/** Whether the file was taken and is still on the boot partition too. The copy counts then, from which used entries are gone. */
export function isLeftOnBoot(folder: string): boolean {
  return readPrivate(join(folder, TAKEN.mark)).kind === "text";
}

/**
 * What is still on the boot partition although it was taken, in words for a person; `undefined`: nothing. `store`: of certificates, where the
 * step keeps its marks as long as one is left.
 */
export function leftOnBootText(folder: string, store: string): string | undefined {
  const left = [...(isLeftOnBoot(folder) ? ["the provisioning file"] : []), ...(existsSync(join(store, ".taken")) ? ["a certificate's key"] : [])];
  return left.length === 0 ? undefined : `${left.join(" and ")} was taken, but the boot partition takes no writes and still has it: anybody with the card can read its secrets`;
}

/** Why the last file was refused; `undefined` when none was. */
export function refusedProvisioning(folder: string): Issue | undefined {
  const found = readPrivate(join(folder, TAKEN.refused));
  const json = found.kind === "text" ? parseJson(found.text) : undefined;
  if (!isJsonObject(json)) return undefined;
  const { code, message, hint } = json;
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return { code: foreignCode(code), message, ...(typeof hint === "string" && { hint }) };
}

/** What an earlier file set for good. Its network and claim token were meant for that time. */
function lasting(folder: string): JsonObject {
  const found = readPrivate(join(folder, TAKEN.file));
  const json = found.kind === "text" ? parseJson(found.text) : undefined;
  if (!isJsonObject(json)) return {};
  const { network: _network, claimToken: _token, ...rest } = json;
  return rest;
}
