import type { Clock } from "../../../platform/ports/clock.ts";
import type { Dot1xAccess, NetworkSettings } from "../../../platform/ports/network-settings.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { HealthSource } from "./health-source.ts";

/** A certificate is asked about this long before it expires. */
export const EXPIRES_SOON_MS = 30 * 24 * 3_600_000;
/** Between two looks at the machine's certificates. */
const LOOK_MS = 3_600_000;
/** The same while there is a warning, which a renewed certificate ends. */
const LOOK_AGAIN_MS = 60_000;
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** Warns before a certificate expires with which the device is let into its network. */
export function certificateSource({ dot1x }: Pick<NetworkSettings, "dot1x">, clock: Clock): HealthSource {
  let last: { readonly atMs: number; readonly all: readonly Dot1xAccess[] } | undefined;
  const issue = (): Issue | undefined => {
    const [first] = [...(last?.all ?? [])].sort((a, b) => (a.notAfterMs ?? NEVER_MS) - (b.notAfterMs ?? NEVER_MS));
    return first && expiryOf(first, clock.wallMs());
  };
  return {
    name: "network-certificate",
    alarm: "warning",
    async look() {
      const nowMs = clock.monotonicMs();
      if (last === undefined || nowMs - last.atMs >= (issue() === undefined ? LOOK_MS : LOOK_AGAIN_MS)) {
        const read = await dot1x?.access();
        if (read?.kind === "ok") last = { atMs: nowMs, all: read.value };
      }
      // Not kept: the clock may have been set since.
      return issue();
    },
  };
}

function expiryOf({ interface: name, certificate = "", subject = "", notAfterMs }: Dot1xAccess, wallMs: number): Issue | undefined {
  if (notAfterMs === undefined || notAfterMs - wallMs > EXPIRES_SOON_MS) return undefined;
  const expired = notAfterMs <= wallMs;
  const words = `the certificate ${certificate} (${subject}), by which the network lets ${name} in, ${expired ? "expired" : "expires"} on ${new Date(notAfterMs).toISOString().slice(0, 10)}`;
  return { code: expired ? "network.certificate-expired" : "network.certificate-expires", message: `${words}; provision a new one` };
}
