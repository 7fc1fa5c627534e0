import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../ports/result.ts";
import type { CertificateFiles } from "./certificate-versions.ts";
import { factsOf, FILES, type CertificateFacts, type CertificateProblem } from "./device-certificates.ts";
import { decodeText, pemFault, pemLine } from "./pem-text.ts";

export const FILE_BYTES_MAX = 64 * 1024;

/** Why a certificate cannot be used. Its message contains no part of a key or a password. */
export class Unusable extends Error {
  readonly code: CertificateProblem;
  constructor(code: CertificateProblem, message: string) {
    super(message);
    this.code = code;
  }
}

/** The root step has no capability: a file that belongs to somebody else is closed to it, unless everybody may read it. */
export function unusable(thrown: unknown): Unusable {
  if (thrown instanceof Unusable) return thrown;
  if (!(thrown instanceof Error) || !("syscall" in thrown) || !("code" in thrown)) throw thrown;
  const owner = thrown.code === "EPERM" || thrown.code === "EACCES" ? "; folder and files must belong to root" : "";
  return new Unusable("network.certificate-unreadable", `${thrown.message}${owner}`);
}

/** A certificate whose files belong together. */
export interface ReadCertificate {
  readonly files: CertificateFiles;
  /** Absent: the certificate has only its authority, no key. */
  readonly own?: CertificateFacts;
  readonly encrypted: boolean;
}

/** The place of each file in a folder; by default under its own name. */
export type FileNames = Readonly<Partial<Record<keyof typeof FILES, string>>>;

/** Reads and checks the files of one certificate. Throws `Unusable`, and the errors of the file system (`unusable`). */
export function readCertificate(folder: string, names: FileNames = FILES): ReadCertificate {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Unusable("network.certificate-not-found", `there is no folder ${folder}`);
  const ca = readIn(folder, names.ca);
  if (ca === undefined) throw new Unusable("network.certificate-not-found", `${join(folder, FILES.ca)} is missing: the device must know whom it talks to`);
  certificateIn(join(folder, names.ca ?? FILES.ca), ca);
  const own = readIn(folder, names.certificate);
  const pem = readIn(folder, names.key);
  if (own === undefined && pem === undefined) return { files: { ca }, encrypted: false };
  const missing = own === undefined ? FILES.certificate : pem === undefined ? FILES.key : undefined;
  if (own === undefined || pem === undefined) throw new Unusable("network.certificate-not-found", `${join(folder, missing ?? "")} is missing`);
  const certificate = certificateIn(join(folder, names.certificate ?? FILES.certificate), own);
  const password = readIn(folder, names.password)?.replace(/\r?\n$/, "");
  if (password !== undefined && !/^[ -~]{1,256}$/.test(password)) throw new Unusable("network.certificate-key-password", `${join(folder, names.password ?? FILES.password)}, line 1: the password must be one line of printable ASCII`);
  const key = keyIn(join(folder, names.key ?? FILES.key), pem, password);
  if (!certificate.checkPrivateKey(key)) throw new Unusable("network.certificate-key-mismatch", `${join(folder, names.key ?? FILES.key)} is not the key of ${FILES.certificate}`);
  const encrypted = /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  return { files: { ca, certificate: own, key: pem, ...(password === undefined ? {} : { password }) }, own: factsOf(certificate), encrypted };
}

function readIn(folder: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const path = join(folder, file);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isFile() || stat.size > FILE_BYTES_MAX) throw new Unusable("network.certificate-unreadable", `${path} is not a file of at most ${FILE_BYTES_MAX} bytes`);
  return decodeText(readFileSync(path));
}

function certificateIn(path: string, pem: string): X509Certificate {
  const fault = pemFault(pem, "CERTIFICATE");
  if (fault !== undefined) throw new Unusable("network.certificate-unreadable", `${path}, line ${fault.line}: ${fault.words}`);
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    throw new Unusable("network.certificate-unreadable", `${path}, line ${pemLine(pem)}: this is no certificate: ${messageOf(thrown)}`);
  }
}

function keyIn(path: string, pem: string, password: string | undefined): KeyObject {
  const fault = pemFault(pem, "PRIVATE KEY");
  if (fault !== undefined) throw new Unusable("network.certificate-unreadable", `${path}, line ${fault.line}: ${fault.words}`);
  try {
    return createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) });
  } catch {
    // The reason may repeat parts of the file.
    if (!/ENCRYPTED/.test(pem)) throw new Unusable("network.certificate-unreadable", `${path}, line ${pemLine(pem)}: this cannot be read as a private key`);
    throw new Unusable("network.certificate-key-password", password === undefined ? `${path} is encrypted, and ${FILES.password} with its password is missing` : `the password in ${FILES.password} does not open ${path}`);
  }
}
