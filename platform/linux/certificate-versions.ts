import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncFolderNow, writeNewNow } from "../node/durable-file.ts";
import { FILES, inUseFolder } from "./device-certificates.ts";

/** The content of a certificate's files, by their role. */
export type CertificateFiles = Readonly<{ ca: string } & Partial<Record<Exclude<keyof typeof FILES, "ca">, string>>>;

/** Kept beside those that a profile uses: the other slot of an A/B image may use them. */
const KEPT = 8;
const MODES: Readonly<Record<keyof typeof FILES, number>> = { ca: 0o644, certificate: 0o644, key: 0o600, password: 0o600 };

/** Root's copies of one certificate, a folder for each content that it had. */
export class CertificateVersions {
  readonly #root: string;
  readonly #name: string;
  readonly #users: readonly string[];

  /** `users`: folders with profiles, which name the versions that they use. */
  constructor({ certificates, users }: { readonly certificates: string; readonly users: readonly string[] }, name: string) {
    this.#root = certificates;
    this.#name = name;
    this.#users = users;
  }

  /** Copies the files and returns their version. Whole and on disk when this returns; throws the errors of the file system. */
  keep(files: CertificateFiles): string {
    const version = createHash("sha256").update(JSON.stringify(Object.keys(FILES).map((role) => files[role as keyof typeof FILES] ?? null))).digest("hex").slice(0, 16);
    const folder = this.#folder(version);
    if (existsSync(folder)) return version;
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    // The unit's umask is stricter, and everybody may read which certificate is in use.
    for (const each of [dirname(dirname(folder)), dirname(folder), part]) {
      if (!existsSync(each)) mkdirSync(each);
      chmodSync(each, 0o755);
    }
    for (const [role, text] of Object.entries(files) as [keyof typeof FILES, string][]) writeNewNow(join(part, FILES[role]), text, MODES[role]);
    syncFolderNow(part);
    renameSync(part, folder);
    syncFolderNow(dirname(folder));
    return version;
  }

  /** Deletes the oldest copies beyond the limit that no profile mentions. */
  forgetOld(current: string): void {
    const folder = dirname(this.#folder(current));
    const old = readdirSync(folder)
      .filter((version) => version !== current)
      .map((version) => ({ version, changedMs: statSync(join(folder, version)).mtimeMs }))
      .sort((a, b) => b.changedMs - a.changedMs)
      .slice(KEPT - 1);
    if (old.length === 0) return;
    const texts = this.#users.map(textsIn);
    // What a profile that cannot be read uses is not known.
    if (texts.includes(undefined)) return;
    for (const { version } of old) if (!texts.flat().some((text = "") => text.includes(`/${this.#name}/${version}/`))) rmSync(join(folder, version), { recursive: true });
  }

  #folder(version: string): string {
    return inUseFolder(this.#root, { name: this.#name, version });
  }
}

/** All profiles in a folder; `undefined` where one cannot be read. */
function textsIn(folder: string): readonly string[] | undefined {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => readFileSync(join(folder, entry.name), "utf8"));
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return undefined;
    throw thrown;
  }
}
