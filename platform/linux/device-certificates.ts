import { X509Certificate } from "node:crypto";
import { lstatSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Clock } from "../ports/clock.ts";
import { fail, ok, type Result } from "../ports/result.ts";
import { parseJson } from "../runtime/json.ts";
import type { CommandRunner } from "./command-runner.ts";

/** Folders of certificates, one for each, owned by root. */
export const CERTIFICATES_DIR = "/var/lib/vitrine-certificates";
/** Where the root step says what it found: `NAME.json`. */
export const FOUND_DIR = "/run/vitrine-certificates";
/**
 * In the folder of certificates: copies of what the root step found good, `NAME/VERSION/…`, which NetworkManager's profiles use. Files that are
 * put in place of others change nothing that is in use, and the way back from them is still there.
 */
const IN_USE = ".in-use";
const START_TIMEOUT_MS = 30_000;
/** A folder that only root may enter is looked at by the root step, this often. */
const CLOSED_LOOK_MS = 600_000;

/** Its files; the last three may be missing, the last one where the key is not encrypted. */
export const FILES = { ca: "ca.pem", certificate: "certificate.pem", key: "key.pem", password: "key-password.txt" } as const;

export const PROBLEMS = ["network.certificate-not-found", "network.certificate-unreadable", "network.certificate-key-mismatch", "network.certificate-key-password"] as const;
export type CertificateProblem = (typeof PROBLEMS)[number];
const FactsSchema = v.object({
  /** Distinguished name, such as `CN=player-7, O=Example`. */
  subject: v.string(),
  notBeforeMs: v.number(),
  notAfterMs: v.number(),
});
export type CertificateFacts = Readonly<v.InferOutput<typeof FactsSchema>>;
const VersionSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/));
/** `stamp` of the files, as `stampOf` gives it. */
const STAMP = { stamp: v.string() };
/** What the root step found of one certificate. */
export const FoundSchema = v.variant("kind", [
  v.object({
    kind: v.literal("ready"),
    /** Another one for each content of its files. */
    version: VersionSchema,
    /** Absent: there is no key, and only its authority can be used. */
    own: v.optional(FactsSchema),
    ...STAMP,
  }),
  v.object({ kind: v.literal("problem"), code: v.picklist(PROBLEMS), message: v.string(), ...STAMP }),
]);
export type Found = v.InferOutput<typeof FoundSchema>;
export type Ready = Extract<Found, { kind: "ready" }>;

/** A certificate with the content that a profile uses. */
export interface UsedCertificate {
  readonly name: string;
  /** Absent: a profile of an earlier version, which used the folder's own files. */
  readonly version?: string;
}

/** The certificates provisioned on this machine. Their private keys are root's alone. */
export interface DeviceCertificates {
  /** Where NetworkManager finds them. */
  readonly folder: string;
  /** Checks a certificate, as root, and gives NetworkManager a profile that uses its key. Errors: `PROBLEMS`, `network.not-supported`. */
  prepare(name: string): Promise<Result<Ready>>;
  /** What the files are now. Has root's step done only where they are others than at the last time. Errors: as `prepare`. */
  look(name: string): Promise<Result<Ready>>;
  /** `undefined`: there is none, or it cannot be read. */
  facts(used: UsedCertificate): Promise<CertificateFacts | undefined>;
}

/** Where the root step keeps a version of a certificate. */
export function inUseFolder(folder: string, { name, version }: { readonly name: string; readonly version: string }): string {
  return join(folder, IN_USE, name, version);
}

/** The certificate whose `ca.pem` is at `path`; `undefined`: it is none of ours. */
export function usedBy(folder: string, path: string): UsedCertificate | undefined {
  if (!path.startsWith(`${folder}/`)) return undefined;
  const [first = "", name, version] = path.slice(folder.length + 1).split("/");
  if (first !== IN_USE) return { name: first };
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** Another text after each change of a certificate's files, whoever made it; `undefined`: this user may not look into the folder. */
export function stampOf(folder: string, name: string): string | undefined {
  try {
    return Object.values(FILES).map((file) => {
      const found = lstatSync(join(folder, name, file), { bigint: true, throwIfNoEntry: false });
      return found === undefined ? "-" : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    }).join(", ");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return undefined;
    throw thrown;
  }
}

/** On a device: `vitrine-certificate@NAME.service` does what needs root; polkit lets the agent start it. */
export function systemdCertificates(run: CommandRunner, clock: Pick<Clock, "wallMs">, folder = CERTIFICATES_DIR, foundDir = FOUND_DIR): DeviceCertificates {
  const prepare = async (name: string): Promise<Result<Ready>> => {
    const unit = `vitrine-certificate@${name}.service`;
    const path = foundPath(foundDir, name);
    const before = await writingOf(path);
    const started = await run("systemctl", ["start", "--no-ask-password", unit], START_TIMEOUT_MS);
    // A unit that systemd does not start leaves the result of an earlier time.
    const found = (await writingOf(path)) === before ? undefined : readFound(await textOf(path));
    if (found?.kind === "problem") return fail(found.code, found.message);
    if (started.ok && found !== undefined) return ok(found);
    return fail("network.not-supported", `${unit} does not check the certificate: ${started.ok ? "it left no result" : started.error.message}`, "Install the unit and the polkit rule of the package.");
  };
  return {
    folder,
    prepare,
    look: async (name) => (await lastFound(folder, foundDir, name, clock)) ?? prepare(name),
    facts: (used) => readFacts(folder, foundDir, used),
  };
}

/** The last result of the root step while it is still true. */
export async function lastFound(folder: string, foundDir: string, name: string, clock: Pick<Clock, "wallMs">): Promise<Result<Ready> | undefined> {
  const path = foundPath(foundDir, name);
  const found = readFound(await textOf(path));
  if (found === undefined) return undefined;
  const stamp = stampOf(folder, name);
  const written = await stat(path).catch(() => undefined);
  const stillTrue = stamp === undefined ? clock.wallMs() - (written?.mtimeMs ?? 0) < CLOSED_LOOK_MS : stamp === found.stamp;
  if (!stillTrue) return undefined;
  return found.kind === "problem" ? fail(found.code, found.message) : ok(found);
}

/** A folder that only root may read is told by the root step's last result. */
export async function readFacts(folder: string, foundDir: string, { name, version }: UsedCertificate): Promise<CertificateFacts | undefined> {
  const pem = await textOf(join(version === undefined ? join(folder, name) : inUseFolder(folder, { name, version }), FILES.certificate));
  try {
    if (pem !== undefined) return factsOf(new X509Certificate(pem));
    const found = readFound(await textOf(foundPath(foundDir, name)));
    return found?.kind === "ready" ? found.own : undefined;
  } catch {
    // Not a certificate; `prepare` says so.
    return undefined;
  }
}

export function foundPath(foundDir: string, name: string): string {
  return join(foundDir, `${name}.json`);
}

export function factsOf(certificate: X509Certificate): CertificateFacts {
  return { subject: certificate.subject.split("\n").join(", "), notBeforeMs: Date.parse(certificate.validFrom), notAfterMs: Date.parse(certificate.validTo) };
}

export function readFound(text: string | undefined): Found | undefined {
  const parsed = v.safeParse(FoundSchema, text === undefined ? undefined : parseJson(text));
  return parsed.success ? parsed.output : undefined;
}

/** Another one after each writing of a file that is replaced as a whole; `undefined`: there is none. */
async function writingOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.mtimeNs} ${found.ctimeNs}`;
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
