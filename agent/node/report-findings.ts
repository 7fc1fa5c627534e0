import type { OpenPlace } from "../../platform/node/private-tree.ts";
import type { Log } from "../../platform/ports/log.ts";
import type { Issue } from "../../platform/ports/result.ts";
import type { AlarmBoard } from "../core/health/alarm-board.ts";
import type { OutboxIncident } from "../core/outbox/outbox-deps.ts";
import type { StorageLoss } from "../core/outbox/outbox-store.ts";
import type { LoadedKey } from "./identity/device-key-file.ts";
import type { StorageFinding, Stores } from "./stores.ts";

export interface FindingsDeps {
  readonly alarms: Pick<AlarmBoard, "raise" | "clear" | "happened">;
  readonly stores: Stores;
  readonly loaded: LoadedKey;
  readonly worldDamage?: Issue;
  readonly openPlaces: readonly OpenPlace[];
  /** What was taken from the boot partition and is still there. */
  readonly leftOnBoot?: string | undefined;
  readonly log: Log;
}

/** Raises alarms for problems found during startup, and for later ones of the outbox's disk. */
export function reportFindings({ alarms, stores, loaded, worldDamage, openPlaces, leftOnBoot, log }: FindingsDeps): void {
  for (const finding of stores.findings) {
    log.error({ ...finding }, "storage was damaged or cannot be used");
    // Several files may be damaged, or one again since the last start: report each.
    if (finding.code === "storage.quarantined") alarms.happened(finding.code, "error", finding.message, finding.evidence);
  }
  // These last until the next start, so they are conditions, not events.
  raiseAll(alarms, "storage.degraded", "error", stores);
  raiseAll(alarms, "storage.unavailable", "critical", stores);
  for (const finding of loaded.findings) {
    log.warn({ ...finding }, "there was a problem with the device key");
    alarms.raise(finding.code, finding.severity, finding.message, finding.evidence);
  }
  const open = openPlacesText(openPlaces);
  if (open === undefined) alarms.clear(OPEN_CODE, "only the agent's user can read its data");
  else {
    log.error({ places: openPlaces.slice(0, 20) }, open);
    alarms.raise(OPEN_CODE, "warning", open, { count: openPlaces.length });
  }
  if (leftOnBoot === undefined) alarms.clear(LEFT_CODE, "nothing that was taken is left on the boot partition");
  else {
    log.warn({ code: LEFT_CODE }, leftOnBoot);
    alarms.raise(LEFT_CODE, "warning", leftOnBoot);
  }
  if (worldDamage !== undefined) log.warn({ ...worldDamage }, "the simulated hardware was reset");
  stores.onIncident((incident) => raiseIncident(alarms, log, incident));
}

const OPEN_CODE = "data.readable-by-others";
const LEFT_CODE = "provisioning.token-left";

/** The alarm's text; `undefined` when nothing is open. */
export function openPlacesText(places: readonly OpenPlace[]): string | undefined {
  const [first] = places;
  if (first === undefined) return undefined;
  const more = places.length > 1 ? ` and ${places.length - 1} more` : "";
  return `other users of this machine can read ${first.path} (mode ${first.mode})${more}, which may contain passwords, and the agent could not restrict access: ${first.why}`;
}

function raiseAll(alarms: FindingsDeps["alarms"], code: StorageFinding["code"], severity: "error" | "critical", { findings }: Stores): void {
  const found = findings.filter((finding) => finding.code === code);
  if (found.length > 0) alarms.raise(code, severity, found.map(({ message }) => message).join("; "), { files: found.map(({ evidence }) => evidence) });
  // Clears an alarm that an earlier start raised.
  else alarms.clear(code, "every store is on disk");
}

function raiseIncident(alarms: FindingsDeps["alarms"], log: Log, incident: OutboxIncident): void {
  log.warn({ incident }, "outbox storage incident");
  switch (incident.kind) {
    case "loss":
      return alarms.happened("storage.quarantined", "error", lossText(incident.loss), { salvagedRows: incident.loss.salvagedRows });
    case "degraded":
      return alarms.raise("outbox.degraded", "error", `records are kept in memory only: ${incident.why.message}`);
    case "recovered":
      return alarms.clear("outbox.degraded", "records are on disk again");
    case "write-failed":
      return alarms.raise("outbox.write-failed", "error", `records cannot be written: ${incident.why.message}`);
    case "write-recovered":
      return alarms.clear("outbox.write-failed", "records can be written again");
    case "new-log":
      return alarms.happened("outbox.new-log", "warning", `the cloud acknowledged ${incident.stream} ${incident.claimed}, but the last one here is ${incident.handedOut}: the end of the outbox was lost, or the cloud is wrong; the outbox continues as log ${incident.log}`, { stream: incident.stream, claimed: incident.claimed, handedOut: incident.handedOut });
  }
}

function lossText({ file, quarantined, why, extentKnown }: StorageLoss): string {
  return `${file} was damaged${quarantined === undefined ? "" : " and set aside"}: ${why.message}${extentKnown ? "" : "; the actual loss may be larger"}`;
}
