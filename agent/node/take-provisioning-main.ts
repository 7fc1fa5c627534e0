import { readSync } from "node:fs";
import { PROVISIONING_BYTES_MAX } from "./identity/provisioning.ts";
import { refuseMisnamed, takeProvisioning } from "./identity/take-provisioning.ts";

/**
 * The step of `vitrine-provision` that runs as the agent's user: `take-provisioning FOLDER NAME < FILE`, or `take-provisioning FOLDER NAME
 * misnamed` for a file that is not read because of its name. Prints the error for a person. Exit codes: 0 taken, 65 the file has a mistake (EX_DATAERR), 73 the folder takes no writes (EX_CANTCREAT), 64 usage.
 */
function main([folder, name, misnamed]: readonly string[]): number {
  if (folder === undefined || name === undefined) {
    process.stderr.write("usage: take-provisioning FOLDER NAME < FILE | take-provisioning FOLDER NAME misnamed\n");
    return 64;
  }
  const taken = misnamed === undefined ? takeProvisioning(folder, name, readInput()) : refuseMisnamed(folder, name);
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
