import type { LinkStatus } from "../../cloud/cloud-port.ts";
import { connectionSentence } from "../../identity/connection-sentence.ts";
import type { Outbox } from "../../outbox/outbox.ts";
import { STREAMS } from "../../../protocol/records.ts";
import type { ConfigIssue } from "../../config/resolve-config.ts";
import type { Clock } from "../../../../platform/ports/clock.ts";
import type { Issue } from "../../../../platform/ports/result.ts";
import { bad, good, warning, type DiagnosticCheck } from "../diagnostic-check.ts";

export function linkCheck(status: () => LinkStatus, clock: Clock): DiagnosticCheck {
  return {
    name: "link to the cloud",
    run() {
      const link = status();
      const sinceMinutes = Math.max(0, Math.round((clock.monotonicMs() - link.sinceMs) / 60_000));
      if (link.kind === "online") return Promise.resolve(good(`connected to ${link.endpoint} for ${sinceMinutes} min`));
      const sentence = connectionSentence(link, true);
      if (link.lastError === undefined) return Promise.resolve(warning(sentence, "wait a moment and check again"));
      return Promise.resolve(bad(sentence, link.lastError.hint ?? todoFor(link.lastError)));
    },
  };
}

/** `owner` returns `undefined` while the device is unclaimed. */
export function ownerCheck(
  owner: () => { readonly name: string; readonly fingerprint: string } | undefined,
  pairingCode: () => string | undefined,
): DiagnosticCheck {
  return {
    name: "owner",
    run() {
      const held = owner();
      if (held !== undefined) return Promise.resolve(good(`claimed by ${held.name} (key ${held.fingerprint.slice(0, 8)}…)`));
      const code = pairingCode();
      const todo = code === undefined ? "connect it to its cloud first; the pairing code comes from there" : `enter the code ${code} in the cloud`;
      return Promise.resolve(warning("nobody has claimed this device: it accepts no commands", todo));
    },
  };
}

/** Waiting and dropped records, and how full the outbox is. */
export function backlogCheck(outbox: Pick<Outbox, "status">): DiagnosticCheck {
  return {
    name: "outbox",
    run() {
      const { degraded, ranges, usage, counters } = outbox.status();
      if (degraded !== undefined) return Promise.resolve(bad(
        `records are kept in memory only: ${degraded.message} (${degraded.code})`,
        degraded.hint ?? "free disk space or check the disk; a restart would lose them",
      ));
      const waiting = STREAMS.map((stream) => [stream, Math.max(0, ranges[stream].newest - ranges[stream].oldest + 1)] as const).filter(([, count]) => count > 0);
      const dropped = STREAMS.map((stream) => [stream, counters.dropped[stream]] as const).filter(([, count]) => count > 0);
      const full = usage.bytes / usage.bytesMax;
      const message = `${waiting.length === 0 ? "nothing is waiting" : `waiting: ${list(waiting)}`}; ${Math.round(full * 100)} % of its cap used`;
      if (dropped.length > 0) return Promise.resolve(warning(
        `${message}; dropped since the start: ${list(dropped)}`,
        "gap records at the cloud say why: offline for longer than the cap holds (raise outbox.bytesMax), refused by the cloud, too many records at once, or damaged",
      ));
      return Promise.resolve(full < 0.9 ? good(message) : warning(message, "check the link: soon the oldest metrics and events will be dropped"));
    },
  };
}

export function configCheck(issues: readonly ConfigIssue[]): DiagnosticCheck {
  return {
    name: "configuration",
    run() {
      return Promise.resolve(issues.length === 0 ? good("every value is valid") : issues.map(({ message, code, hint }) => warning(`${message} (${code})`, hint)));
    },
  };
}

/** Damage found when the stores were opened. */
export function storageCheck(issues: () => readonly Issue[]): DiagnosticCheck {
  return {
    name: "stores",
    run() {
      const found = issues();
      if (found.length === 0) return Promise.resolve(good("every file opened and passed its check"));
      return Promise.resolve(found.map(({ message: text, code }) => {
        const message = `${text} (${code})`;
        if (code === "storage.unavailable") return bad(message, "reinstall the package for this machine's processor, and restart the agent");
        if (code === "storage.degraded") return bad(message, "check that the disk has space and accepts writes, then restart the agent");
        return warning(message, "damaged files are in the quarantine folder; if it happens again, replace the SD card or disk");
      }));
    },
  };
}

function todoFor({ code }: Issue): string {
  if (code === "link.clock") return "set the clock, or give the device a network with a time server";
  if (code === "link.tls") return "check the certificate of the cloud, whether its authority is in the machine's certificate store or in cloud.caFile, and whether a proxy intercepts encrypted traffic";
  if (code === "link.proxy") return "check cloud.proxy";
  if (code.startsWith("refused.")) return "look for this device in the cloud: it may be blocked or belong to somebody else";
  if (code.startsWith("owner.")) return "connect it to the cloud of its owner, or have the owner release it";
  return "see the network, gateway and name checks above; the device keeps trying";
}

function list(counts: readonly (readonly [string, number])[]): string {
  return counts.map(([stream, count]) => `${count} ${stream}`).join(", ");
}
