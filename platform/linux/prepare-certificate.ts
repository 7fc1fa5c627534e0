import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../ports/result.ts";
import { CertificateVersions, type CertificateFiles } from "./certificate-versions.ts";
import { factsOf, FILES, foundPath, inUseFolder, stampOf, type CertificateFacts, type CertificateProblem, type Found } from "./device-certificates.ts";

const FILE_BYTES_MAX = 64 * 1024;
const SECRET = [FILES.key, FILES.password] as const;

/** Kinds of connection, each of which needs a profile of its own to copy. */
export const TEMPLATE_KINDS = ["ethernet", "wifi"] as const;
export type TemplateKind = (typeof TEMPLATE_KINDS)[number];

/** Name of the profile that uses a certificate's key, for no interface: the adapter copies it. */
export function templateName(certificate: string, kind: TemplateKind): string {
  return `vitrine-certificate-${certificate}-${kind}`;
}

export interface PrepareFolders {
  /** With a folder for each certificate. */
  readonly certificates: string;
  /** NetworkManager's profiles in memory: /run/NetworkManager/system-connections. */
  readonly profiles: string;
  readonly found: string;
  /** Where NetworkManager finds the certificates, when it has another root. */
  readonly seenAs?: string;
  /** Folders with NetworkManager's profiles in all its formats: what they mention is in use. */
  readonly users: readonly string[];
}

class Unusable extends Error {
  readonly code: CertificateProblem;
  constructor(code: CertificateProblem, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The part of 802.1X that only root may do: checks a certificate and its key, makes the key root's alone, keeps a copy of exactly what it
 * checked, and writes the profiles that use the copy, which root's NetworkManager has to load. Its result is also `NAME.json` in
 * `found`. No result contains a part of the key or its password.
 */
export function prepareCertificate(name: string, folders: PrepareFolders): Found {
  const result = foundPath(folders.found, name);
  // Should anything fail here, the last result must not be taken for this one.
  rmSync(result, { force: true });
  let found: Found;
  let stamp = "";
  try {
    for (const kind of TEMPLATE_KINDS) rmSync(profilePath(folders, name, kind), { force: true });
    closeSecrets(join(folders.certificates, name));
    // Before they are read: what is put there meanwhile is looked at again.
    stamp = stampOf(folders.certificates, name) ?? "";
    const { files, own, encrypted } = checked(name, folders);
    const versions = new CertificateVersions(folders, name);
    const version = versions.keep(files);
    if (own !== undefined) writeProfiles(name, version, encrypted ? files.password : undefined, folders);
    versions.forgetOld(version);
    found = { kind: "ready", version, ...(own === undefined ? {} : { own }), stamp };
  } catch (thrown) {
    const { code, message } = unusable(thrown);
    found = { kind: "problem", code, message: `certificate ${name}: ${message}`, stamp };
  }
  mkdirSync(folders.found, { recursive: true, mode: 0o755 });
  replace(result, `${JSON.stringify(found)}\n`, 0o644);
  return found;
}

/** The root step has no capability: a file that belongs to somebody else is closed to it, unless everybody may read it. */
function unusable(thrown: unknown): Unusable {
  if (thrown instanceof Unusable) return thrown;
  if (!(thrown instanceof Error) || !("syscall" in thrown) || !("code" in thrown)) throw thrown;
  const owner = thrown.code === "EPERM" || thrown.code === "EACCES" ? "; folder and files must belong to root" : "";
  return new Unusable("network.certificate-unreadable", `${thrown.message}${owner}`);
}

export function profilePath({ profiles }: PrepareFolders, name: string, kind: TemplateKind): string {
  return join(profiles, `${templateName(name, kind)}.nmconnection`);
}

function closeSecrets(folder: string): void {
  for (const file of SECRET) if (lstatSync(join(folder, file), { throwIfNoEntry: false })?.isFile() === true) chmodSync(join(folder, file), 0o600);
}

interface Checked {
  readonly files: CertificateFiles;
  /** Absent: the certificate has only its authority, no key. */
  readonly own?: CertificateFacts;
  readonly encrypted: boolean;
}

function checked(name: string, folders: PrepareFolders): Checked {
  const folder = join(folders.certificates, name);
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw new Unusable("network.certificate-not-found", `there is no folder ${folder}`);
  const ca = readIn(folder, FILES.ca);
  if (ca === undefined) throw new Unusable("network.certificate-not-found", `${join(folder, FILES.ca)} is missing: the device must know whom it talks to`);
  certificateIn(folder, FILES.ca, ca);
  const own = readIn(folder, FILES.certificate);
  const pem = readIn(folder, FILES.key);
  if (own === undefined && pem === undefined) return { files: { ca }, encrypted: false };
  const missing = own === undefined ? FILES.certificate : pem === undefined ? FILES.key : undefined;
  if (own === undefined || pem === undefined) throw new Unusable("network.certificate-not-found", `${join(folder, missing ?? "")} is missing`);
  const certificate = certificateIn(folder, FILES.certificate, own);
  const password = readIn(folder, FILES.password)?.replace(/\r?\n$/, "");
  if (password !== undefined && !/^[ -~]{1,256}$/.test(password)) throw new Unusable("network.certificate-key-password", `${join(folder, FILES.password)} must hold one line of printable ASCII`);
  const key = keyIn(folder, pem, password);
  if (!certificate.checkPrivateKey(key)) throw new Unusable("network.certificate-key-mismatch", `${FILES.key} is not the key of ${FILES.certificate}`);
  const encrypted = /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem);
  return { files: { ca, certificate: own, key: pem, ...(password === undefined ? {} : { password }) }, own: factsOf(certificate), encrypted };
}

function writeProfiles(name: string, version: string, password: string | undefined, folders: PrepareFolders): void {
  const folder = inUseFolder(folders.seenAs ?? folders.certificates, { name, version });
  mkdirSync(folders.profiles, { recursive: true, mode: 0o755 });
  for (const kind of TEMPLATE_KINDS) replace(profilePath(folders, name, kind), profileText(name, kind, folder, password), 0o600);
}

function readIn(folder: string, file: string): string | undefined {
  const path = join(folder, file);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (!stat.isFile() || stat.size > FILE_BYTES_MAX) throw new Unusable("network.certificate-unreadable", `${path} is not a file of at most ${FILE_BYTES_MAX} bytes`);
  return readFileSync(path, "utf8");
}

function certificateIn(folder: string, file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (thrown) {
    throw new Unusable("network.certificate-unreadable", `${join(folder, file)} is no PEM certificate: ${messageOf(thrown)}`);
  }
}

function keyIn(folder: string, pem: string, password: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) });
  } catch {
    // The reason may repeat parts of the file.
    if (!/PRIVATE KEY-----/.test(pem)) throw new Unusable("network.certificate-unreadable", `${join(folder, FILES.key)} is no PEM private key`);
    const encrypted = /ENCRYPTED/.test(pem);
    if (!encrypted) throw new Unusable("network.certificate-unreadable", `${join(folder, FILES.key)} cannot be read as a private key`);
    throw new Unusable("network.certificate-key-password", password === undefined ? `${FILES.key} is encrypted, and ${FILES.password} with its password is missing` : `the password in ${FILES.password} does not open ${FILES.key}`);
  }
}

/** In NetworkManager's keyfile format (nm-settings-keyfile(5)). */
function profileText(name: string, kind: TemplateKind, folder: string, password: string | undefined): string {
  return [
    "[connection]", `id=${templateName(name, kind)}`, `type=${kind}`, "interface-name=vitrine-trial", "autoconnect=false",
    ...(kind === "wifi" ? ["[wifi]", "ssid=vitrine", "[wifi-security]", "key-mgmt=wpa-eap"] : []),
    "[802-1x]", "eap=tls;", "identity=vitrine", `ca-cert=${join(folder, FILES.ca)}`, `client-cert=${join(folder, FILES.certificate)}`, `private-key=${join(folder, FILES.key)}`,
    password === undefined ? "private-key-password-flags=4" : `private-key-password=${password.replaceAll("\\", "\\\\").replace(/^ +/, (spaces) => "\\s".repeat(spaces.length))}`,
    "[ipv4]", "method=auto", "[ipv6]", "method=auto", "",
  ].join("\n");
}

function replace(path: string, text: string, mode: number): void {
  const part = `${path}.part`;
  rmSync(part, { force: true });
  writeFileSync(part, text, { mode, flag: "wx" });
  chmodSync(part, mode);
  renameSync(part, path);
}
