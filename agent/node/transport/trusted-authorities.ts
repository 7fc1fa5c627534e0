import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";

/**
 * Single-file certificate stores: Debian, Ubuntu, Raspberry Pi OS and Arch; Fedora and Red Hat; SUSE; Alpine. The first
 * that exists is used. Node's own loader reads a folder of links one by one, which takes eight times as long
 * (docs/decisions/2026-11-29-machine-certificates.md).
 */
export const MACHINE_STORES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
const ONE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Result of loading trusted certificates. */
export interface Authorities {
  /** Path of the machine's store; absent when none exists. */
  readonly store?: string;
  /** Trusted certificates, without duplicates. */
  readonly count: number;
  /** Entries skipped because they are not valid certificates. */
  readonly damaged: number;
}

/**
 * Makes every TLS connection of this process trust Node's certificates, the machine's store and `caFile` (empty: none).
 * Unreadable files are logged and skipped: the device plays on, and the link reports whom it does not trust.
 */
export function trustAuthorities({ caFile, log, stores = MACHINE_STORES }: { readonly caFile: string; readonly log: Log; readonly stores?: readonly string[] }): Authorities {
  const store = stores.map((path) => ({ path, text: textOf(path, log) })).find(({ text }) => text !== undefined);
  const extra = caFile === "" ? undefined : textOf(caFile, log, "cloud.caFile cannot be read and is ignored");
  const extras = extra?.match(ONE) ?? [];
  if (extra !== undefined && extras.length === 0) log.error({ file: caFile }, "cloud.caFile contains no certificate");
  const own = new Map(getCACertificates("default").map((pem) => [bare(pem), pem]));
  const added = [...(store?.text?.match(ONE) ?? []), ...extras].filter((pem) => !own.has(bare(pem)));
  const good = added.filter(isCertificate);
  for (const pem of good) own.set(bare(pem), pem);
  const damaged = added.length - good.length;
  if (damaged > 0) log.warn({ damaged, store: store?.path }, "some trusted certificates cannot be read and are ignored");
  setDefaultCACertificates([...own.values()]);
  return { ...(store !== undefined && { store: store.path }), count: own.size, damaged };
}

/** `missing`: message to log when the file does not exist; without it that is normal. */
function textOf(path: string, log: Log, missing?: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const absent = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (missing !== undefined || !absent) log.error({ file: path, error: messageOf(thrown) }, missing ?? "the machine's trusted certificates cannot be read");
    return undefined;
  }
}

/** The bare base64, because line ends differ between files. */
function bare(pem: string): string {
  return pem.replaceAll(/-----[^-]+-----|\s/g, "");
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    // Damaged, or not supported by this OpenSSL; the caller counts it.
    return false;
  }
}
