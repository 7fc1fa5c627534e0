import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceDurablyNow, syncFolderNow, writeNewNow } from "../node/durable-file.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { readCertificate, Unusable, unusable, type FileNames } from "./certificate-files.ts";
import type { CertificateFiles } from "./certificate-versions.ts";
import { FILES, type CertificateProblem } from "./device-certificates.ts";

type Role = keyof typeof FILES;
const ROLES = Object.keys(FILES) as readonly Role[];
const MODES: Readonly<Record<Role, number>> = { ca: 0o644, certificate: 0o644, key: 0o600, password: 0o600 };
/** What macOS and Windows put into every folder. */
const OF_THE_COMPUTER = /^(?:\._.*|\.ds_store|thumbs\.db|desktop\.ini)$/i;
const ALL = `${FILES.ca}, and for the device's own certificate ${FILES.certificate} and ${FILES.key}, with the key's password in ${FILES.password} where it is encrypted`;
const HINTS: Readonly<Record<CertificateProblem, string>> = {
  "network.certificate-not-found": `put ${ALL} into the folder`,
  "network.certificate-unreadable": "save the file again as PEM (Base64)",
  "network.certificate-key-mismatch": "use the key that was made together with this certificate",
  "network.certificate-key-password": `write the key's password as the only line of ${FILES.password}`,
};

/**
 * Takes a certificate from the boot partition into the store of certificates: complete and on disk when this returns. What is in the store under
 * this name is replaced as a whole. Taking the same content again changes nothing while its mark is there, because root may have put other
 * files into the store since. Errors, with the file, its line and what to do: `network.certificate-…`. Throws what the disk refuses.
 */
export function takeCertificate(store: string, folder: string, name: string): Result<"taken" | "known"> {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) return fail("network.certificate-not-found", `${folder}: the name of a certificate's folder has 1 to 32 small letters, digits and hyphens`, "rename it, and use the same name in the settings");
  let files: CertificateFiles;
  try {
    ({ files } = readCertificate(folder, namesIn(folder)));
  } catch (thrown) {
    const { code, message } = unusable(thrown);
    return fail(code, message, HINTS[code]);
  }
  const notes = join(store, ".taken");
  const mark = join(notes, name);
  const digest = createHash("sha256").update(JSON.stringify(ROLES.map((role) => files[role] ?? null))).digest("hex");
  if (existsSync(mark) && readFileSync(mark, "utf8") === digest) return ok("known");
  if (!existsSync(notes)) mkdirSync(notes, { mode: 0o700 });
  const [part, old, place] = [`${mark}.part`, `${mark}.old`, join(store, name)];
  for (const each of [part, old]) rmSync(each, { recursive: true, force: true });
  mkdirSync(part);
  for (const role of ROLES) if (files[role] !== undefined) writeNewNow(join(part, FILES[role]), files[role], MODES[role]);
  // Everybody may see which files there are.
  chmodSync(part, 0o755);
  syncFolderNow(part);
  // A power cut between the two leaves none here; the next boot takes the folder again, or puts the old one back.
  if (existsSync(place)) renameSync(place, old);
  renameSync(part, place);
  syncFolderNow(store);
  replaceDurablyNow(mark, digest, 0o600);
  rmSync(old, { recursive: true, force: true });
  return ok("taken");
}

/** Whatever the case of their letters, and with the ending that Windows hides. */
function namesIn(folder: string): FileNames {
  const names: Partial<Record<Role, string>> = {};
  for (const entry of readdirSync(folder)) {
    if (OF_THE_COMPUTER.test(entry)) continue;
    const role = ROLES.find((each) => FILES[each] === entry.toLowerCase() || `${FILES[each]}.txt` === entry.toLowerCase());
    if (role === undefined) throw new Unusable("network.certificate-not-found", `${join(folder, entry)} is not a file of a certificate`);
    if (names[role] !== undefined) throw new Unusable("network.certificate-not-found", `${join(folder, entry)} and ${names[role]} are the same file of the certificate`);
    names[role] = entry;
  }
  return names;
}
