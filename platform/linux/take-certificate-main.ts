import { messageOf } from "../ports/result.ts";
import { takeCertificate } from "./take-certificate.ts";

/**
 * The step of `vitrine-provision` that takes one certificate from the boot partition, as root without rights: take-certificate STORE FOLDER
 * NAME. Prints a mistake for a person. Exit codes: 0 taken, 65 the certificate has a mistake (EX_DATAERR), 73 the store takes no
 * writes (EX_CANTCREAT), 64 usage.
 */
function main([store, folder, name]: readonly string[]): number {
  if (store === undefined || folder === undefined || name === undefined) {
    process.stderr.write("usage: take-certificate STORE FOLDER NAME\n");
    return 64;
  }
  try {
    const taken = takeCertificate(store, folder, name);
    if (taken.ok) return 0;
    process.stdout.write(`${taken.error.message}\nWhat to do: ${taken.error.hint ?? ""}.\n(${taken.error.code})\n`);
    return 65;
  } catch (thrown) {
    process.stdout.write(`the certificate ${name} could not be taken into ${store}: ${messageOf(thrown)}\n`);
    return 73;
  }
}

process.exitCode = main(process.argv.slice(2));
