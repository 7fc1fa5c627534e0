import { readSync, statSync } from "node:fs";
import { join } from "node:path";
import { PROVISIONING_BYTES_MAX } from "./identity/provisioning.ts";
import { refuseCertificate, refuseMisnamed, takeProvisioning } from "./identity/take-provisioning.ts";

/**
 * The step of `vitrine-provision` that runs as the agent's user: `take-provisioning FOLDER NAME STORE < FILE`; `STORE` has a folder for each certificate
 * of the device. `… misnamed` for a file that is not read because of its name, `… certificate < WORDS` for a certificate that cannot be used. Prints the error for a person. Exit codes: 0 taken, 65 the file has a mistake (EX_DATAERR), 73 the folder takes no writes (EX_CANTCREAT), 64 usage.
 */
function main([folder, name, store, refusal]: readonly string[]): number {
  if (folder === undefined || name === undefined || store === undefined) {
    process.stderr.write("usage: take-provisioning FOLDER NAME STORE [certificate] < FILE | take-provisioning FOLDER NAME STORE misnamed\n");
    return 64;
  }
  const hasCertificate = (each: string): boolean => statSync(join(store, each), { throwIfNoEntry: false })?.isDirectory() === true;
  const taken = refusal === "misnamed" ? refuseMisnamed(folder, name) : refusal === "certificate" ? refuseCertificate(folder, new TextDecoder().decode(readInput())) : takeProvisioning(folder, name, readInput(), hasCertificate);
  if (taken.ok) return 0;
  const { code, message, hint } = taken.error;
  process.stdout.write(`${message}\n${hint === undefined ? "" : `What to do: ${hint}.\n`}(${code})\n`);
  return code === "provisioning.not-taken" ? 73 : 65;
}

/** One byte more than a file may have is enough to refuse it. */
function readInput(): Uint8Array {
  const bytes = new Uint8Array(PROVISIONING_BYTES_MAX + 1);
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(0, bytes, length, bytes.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

process.exitCode = main(process.argv.slice(2));
