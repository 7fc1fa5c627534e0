import type { Json, JsonObject } from "../../../../platform/runtime/json.ts";
import type { Issue } from "../../../tool-result.ts";

/**
 * Shapes from `docs/dev-cloud-api.md` used by the dashboard. Fields written by the server are trusted; documents
 * written by a device (`reported`, `player`, record bodies) are unknown JSON and read with guards.
 */

export interface LinkView {
  readonly state: "online" | "offline" | "never";
  readonly sinceMs: number | null;
  readonly reason: string | null;
  readonly session: string | null;
  readonly epoch: number | null;
  readonly bootId: string | null;
  readonly remote: string | null;
}

export interface AlarmView {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly raisedMs: number | null;
}

export interface VerdictView {
  readonly verdict: string;
  readonly confidence: number;
  readonly sinceMs: number | null;
}

export interface DeviceSummary {
  readonly id: string;
  readonly name: string;
  readonly claimed: boolean;
  readonly pairing: { readonly code: string; readonly expiresMs: number } | null;
  readonly link: LinkView;
  readonly lastSeenMs: number | null;
  readonly verdict: VerdictView | null;
  readonly player: Json;
  readonly adapter: string | null;
  /** Releases as reported; `null` where nothing updates the software. */
  readonly software: { readonly running: string; readonly confirmed: string } | null;
  readonly agentVersion: string | null;
  readonly platform: string | null;
  readonly screenshot: { readonly upload: string; readonly takenMs: number; readonly url: string; readonly contentType: string; readonly bytes: number } | null;
  readonly desired: { readonly version: number; readonly applied: number };
  readonly alarms: readonly AlarmView[];
  readonly openCommands: number;
  readonly simulated: boolean;
  readonly createdMs: number;
}

export interface Profile {
  readonly hash: string;
  readonly receivedMs: number;
  readonly capabilities: readonly string[];
  readonly commands: readonly string[];
  readonly choices: JsonObject;
  readonly inventory: JsonObject;
  readonly evidence: readonly string[];
}

export interface ReportedState {
  readonly version: number;
  readonly receivedMs: number;
  readonly document: JsonObject;
}

export interface DesiredState {
  readonly version: number;
  readonly issuedMs: number | null;
  readonly document: JsonObject;
}

export interface DeviceDetail extends DeviceSummary {
  readonly reported: ReportedState | null;
  readonly desiredDocument: DesiredState | null;
  readonly profile: Profile | null;
  readonly owner: { readonly key: string; readonly sinceMs: number } | null;
  readonly clock: { readonly quality: string; readonly offsetMs: number } | null;
  readonly gaps: readonly { readonly stream: string; readonly reason: string; readonly count: number }[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface CommandInfo {
  readonly name: string;
  readonly summary: string;
  readonly wall: string;
  readonly proof: string;
  readonly lane: string;
  readonly needs: string | null;
  readonly expectedMs: number;
  readonly timeoutMs: number;
  readonly ttlMs: number;
  readonly ttlMaxMs: number;
  readonly idempotent: boolean;
  readonly params: JsonObject;
}

export interface CommandStage {
  readonly state: string;
  readonly atMs: number;
  readonly by: "cloud" | "device";
}

export interface CommandView {
  readonly id: string;
  readonly attempt: number;
  readonly attempts: number;
  readonly device: string;
  readonly name: string;
  readonly params: JsonObject;
  readonly state: string;
  readonly final: boolean;
  readonly stages: readonly CommandStage[];
  readonly progress: { readonly step: string | null; readonly percent: number | null; readonly atMs: number } | null;
  readonly issuedMs: number;
  readonly notAfterMs: number;
  readonly expectedMs: number | null;
  readonly cancelRequestedMs: number | null;
  readonly error: Issue | null;
  readonly effect: Json;
  readonly result: Json;
  readonly durationMs: number | null;
  readonly notes: readonly { readonly atMs: number; readonly text: string }[];
  readonly uploads: readonly string[];
  readonly internal: boolean;
}

export interface RecordView {
  readonly cursor: number;
  readonly stream: string;
  readonly kind: string;
  readonly seq: number;
  readonly wallMs: number;
  readonly clock: string;
  readonly replay: boolean;
  readonly receivedMs: number;
  readonly body: JsonObject;
}

export interface UploadView {
  readonly id: string;
  readonly device: string;
  readonly purpose: string;
  readonly name: string;
  readonly contentType: string;
  readonly bytes: number;
  readonly offset: number;
  readonly state: string;
  readonly createdMs: number;
  readonly completedMs: number | null;
  readonly internal: boolean;
  readonly url: string | null;
}

export interface ServerInfo {
  readonly version: string;
  readonly serverMs: number;
  readonly deviceEndpoint: string;
  readonly sample: { readonly url: string; readonly package: { readonly url: string; readonly sha256: string; readonly bytes: number } | null } | null;
}

export interface DesiredAnswer extends DesiredState {
  readonly report: Json;
}

export interface SeriesAnswer {
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
  readonly series: Readonly<Record<string, readonly SeriesPoint[]>>;
}

/** `[startMs, min, mean, max, last, count]` */
export type SeriesPoint = readonly [number, number, number, number, number, number];

export interface MisbehaviourInfo {
  readonly name: string;
  readonly summary: string;
  readonly params: Json;
}
