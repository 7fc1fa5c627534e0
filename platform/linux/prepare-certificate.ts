import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CertificateVersions } from "./certificate-versions.ts";
import { readCertificate, unusable } from "./certificate-files.ts";
import { FILES, foundPath, inUseFolder, stampOf, type Found } from "./device-certificates.ts";

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
    const { files, own, encrypted } = readCertificate(join(folders.certificates, name));
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

export function profilePath({ profiles }: PrepareFolders, name: string, kind: TemplateKind): string {
  return join(profiles, `${templateName(name, kind)}.nmconnection`);
}

function closeSecrets(folder: string): void {
  for (const file of SECRET) if (lstatSync(join(folder, file), { throwIfNoEntry: false })?.isFile() === true) chmodSync(join(folder, file), 0o600);
}

function writeProfiles(name: string, version: string, password: string | undefined, folders: PrepareFolders): void {
  const folder = inUseFolder(folders.seenAs ?? folders.certificates, { name, version });
  mkdirSync(folders.profiles, { recursive: true, mode: 0o755 });
  for (const kind of TEMPLATE_KINDS) replace(profilePath(folders, name, kind), profileText(name, kind, folder, password), 0o600);
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
