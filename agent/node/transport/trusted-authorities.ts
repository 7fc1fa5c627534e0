import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";

/**
 * Where machines keep the certificates they trust, in one file: Debian, Ubuntu, Raspberry Pi OS and Arch; Fedora and Red Hat; SUSE; Alpine.
 * The first that is there is the machine's store. Node's own reading of it takes a folder of links one by one, eight times as long
 * (docs/decisions/2026-11-29-machine-certificates.md).
 */
export const MACHINE_STORES: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
const ONE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Where trusted certificates came from. */
export interface Authorities {
  /** The machine's store that was read; absent: none is there. */
  readonly store?: string;
  /** All that are trusted, each once. */
  readonly count: number;
  /** Left out because they are no certificates. */
  readonly damaged: number;
}

/**
 * Makes every TLS connection of this process trust what Node brings, the machine's store and `caFile` (empty: none). What cannot be read is
 * said and left out: the device plays on, and the link says whom it does not trust.
 */
export function trustAuthorities({ caFile, log, stores = MACHINE_STORES }: { readonly caFile: string; readonly log: Log; readonly stores?: readonly string[] }): Authorities {
  const store = stores.map((path) => ({ path, text: textOf(path, log) })).find(({ text }) => text !== undefined);
  const extra = caFile === "" ? undefined : textOf(caFile, log, "cloud.caFile cannot be read and is not used");
  const extras = extra?.match(ONE) ?? [];
  if (extra !== undefined && extras.length === 0) log.error({ file: caFile }, "cloud.caFile has no certificate in it");
  const own = new Map(getCACertificates("default").map((pem) => [bare(pem), pem]));
  const added = [...(store?.text?.match(ONE) ?? []), ...extras].filter((pem) => !own.has(bare(pem)));
  const good = added.filter(isCertificate);
  for (const pem of good) own.set(bare(pem), pem);
  const damaged = added.length - good.length;
  if (damaged > 0) log.warn({ damaged, store: store?.path }, "some trusted certificates cannot be read and are left out");
  setDefaultCACertificates([...own.values()]);
  return { ...(store !== undefined && { store: store.path }), count: own.size, damaged };
}

/** `missing`: what to say when the file is not there; without it that is nothing to speak of. */
function textOf(path: string, log: Log, missing?: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const absent = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (missing !== undefined || !absent) log.error({ file: path, error: messageOf(thrown) }, missing ?? "the machine's trusted certificates cannot be read");
    return undefined;
  }
}

/** The same certificate is written with other line ends in other files. */
function bare(pem: string): string {
  return pem.replaceAll(/-----[^-]+-----|\s/g, "");
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    // Damaged, or of a kind this OpenSSL does not know; it is counted.
    return false;
  }
}
