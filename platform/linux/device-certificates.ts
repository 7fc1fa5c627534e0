import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { fail, ok, type Result } from "../ports/result.ts";
import { parseJson } from "../runtime/json.ts";
import type { CommandRunner } from "./command-runner.ts";

/** Folders of certificates, one for each, owned by root. */
export const CERTIFICATES_DIR = "/var/lib/vitrine-certificates";
/** Where the root step says what it found: `NAME.json`. */
export const FOUND_DIR = "/run/vitrine-certificates";
const START_TIMEOUT_MS = 30_000;

export const PROBLEMS = ["network.certificate-not-found", "network.certificate-unreadable", "network.certificate-key-mismatch", "network.certificate-key-password"] as const;
export type CertificateProblem = (typeof PROBLEMS)[number];
const FactsSchema = v.object({
  /** Distinguished name, such as `CN=player-7, O=Example`. */
  subject: v.string(),
  notBeforeMs: v.number(),
  notAfterMs: v.number(),
});
export type CertificateFacts = Readonly<v.InferOutput<typeof FactsSchema>>;
/** What the root step found of one certificate. */
export const FoundSchema = v.variant("kind", [
  v.object({ kind: v.literal("ready"), /** Absent: there is no key, and only its authority can be used. */ own: v.optional(FactsSchema) }),
  v.object({ kind: v.literal("problem"), code: v.picklist(PROBLEMS), message: v.string() }),
]);
export type Found = v.InferOutput<typeof FoundSchema>;

/** The certificates provisioned on this machine. Their private keys are root's alone. */
export interface DeviceCertificates {
  /** Where NetworkManager finds them. */
  readonly folder: string;
  /** Checks a certificate, as root, and gives NetworkManager a profile that uses its key. Errors: `PROBLEMS`, `network.not-supported`. */
  prepare(name: string): Promise<Result<Extract<Found, { kind: "ready" }>>>;
  /** `undefined`: there is none, or it cannot be read. */
  facts(name: string): Promise<CertificateFacts | undefined>;
}

/** On a device: `vitrine-certificate@NAME.service` does what needs root; polkit lets the agent start it. */
export function systemdCertificates(run: CommandRunner, folder = CERTIFICATES_DIR, foundDir = FOUND_DIR): DeviceCertificates {
  return {
    folder,
    prepare: async (name) => {
      const unit = `vitrine-certificate@${name}.service`;
      const path = foundPath(foundDir, name);
      const before = await writingOf(path);
      const started = await run("systemctl", ["start", "--no-ask-password", unit], START_TIMEOUT_MS);
      // A unit that systemd does not start leaves the result of an earlier time.
      const found = (await writingOf(path)) === before ? undefined : readFound(await textOf(path));
      if (found?.kind === "problem") return fail(found.code, found.message);
      if (started.ok && found !== undefined) return ok(found);
      return fail("network.not-supported", `${unit} does not check the certificate: ${started.ok ? "it left no result" : started.error.message}`, "Install the unit and the polkit rule of the package.");
    },
    facts: (name) => readFacts(folder, foundDir, name),
  };
}

/** A folder that only root may read is told by the root step's last result. */
export async function readFacts(folder: string, foundDir: string, name: string): Promise<CertificateFacts | undefined> {
  const pem = await textOf(join(folder, name, "certificate.pem"));
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
