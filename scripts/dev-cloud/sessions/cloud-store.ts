import type { CommandFinalState, Stream } from "../../../agent/protocol/records.ts";
import type { Issue } from "../../tool-result.ts";
import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** What the cloud keeps. Two implementations, SQLite and memory, are held to one suite. */

/** How a device's link stands, as last seen. */
export interface LinkRow {
  readonly state: "online" | "offline" | "never";
  readonly sinceMs: number;
  /** How the last session ended: `bye.rebooting`, `replaced`, `timeout`, `closed`, `server-restarted`, … */
  readonly reason?: string;
  readonly session?: string;
  readonly epoch?: number;
  readonly bootId?: string;
  readonly remote?: string;
}

export interface DeviceRow {
  readonly id: string;
  readonly publicKey: string;
  /** Given by a person; absent: nobody named it. */
  readonly name?: string;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  /** Ours since, and the key of ours it was told. Absent: unclaimed. */
  readonly owner?: { readonly key: string; readonly sinceMs: number };
  /** It holds a command key that is not ours: somebody else's device. */
  readonly foreignOwner?: string;
  /** It was given up and may not have heard: told again when it comes with our key. */
  readonly released?: boolean;
  /** An endorsement of our key by a key that is not ours, brought from another cloud. */
  readonly endorsement?: { readonly by: string; readonly signature: string };
  readonly link: LinkRow;
  readonly agent?: { readonly version: string; readonly platform: string; readonly name?: string };
  readonly clock?: { readonly quality: ClockQuality; readonly offsetMs: number };
  /** Highest number signed for it. */
  readonly number: number;
  /** Highest desired version anybody ever saw for it: no new version may be at or below. */
  readonly desiredFloor: number;
}

export type DocumentKind = "reported" | "desired" | "profile" | "alarms" | "gaps" | "limits";

/** One JSON document of a device. `version` is 0 where the kind has none. */
export interface DocumentRow {
  readonly device: string;
  readonly kind: DocumentKind;
  readonly version: number;
  readonly atMs: number;
  readonly document: JsonObject;
}

export type CommandState = "queued" | "sent" | "delivered" | "running" | CommandFinalState;

export interface CommandStage {
  readonly state: CommandState;
  readonly atMs: number;
  readonly by: "cloud" | "device";
}

export interface CommandRow {
  readonly device: string;
  readonly id: string;
  readonly attempt: number;
  readonly number: number;
  readonly name: string;
  readonly params: JsonObject;
  /** The exact text that is signed. */
  readonly payload: string;
  readonly state: CommandState;
  readonly stages: readonly CommandStage[];
  readonly issuedMs: number;
  readonly notAfterMs: number;
  readonly ttlMs: number;
  readonly internal: boolean;
  readonly progress?: { readonly step?: string; readonly percent?: number; readonly atMs: number };
  /** The device acknowledged it with a final state: it knew the command. Its outcome record should follow. */
  readonly ackedFinal?: { readonly state: CommandFinalState; readonly atMs: number };
  /** The signed cancel that was asked for. */
  readonly cancel?: { readonly atMs: number; readonly number: number; readonly payload: string };
  readonly error?: Issue;
  readonly effect?: JsonObject;
  readonly result?: JsonObject;
  readonly durationMs?: number;
  readonly notes: readonly { readonly atMs: number; readonly text: string; readonly state?: string }[];
  readonly uploads: readonly string[];
}

export function isFinal(state: CommandState): state is CommandFinalState {
  return state !== "queued" && state !== "sent" && state !== "delivered" && state !== "running";
}

export interface CommandQuery {
  readonly device: string;
  readonly limit: number;
  /** Only commands whose number is lower. */
  readonly before?: number;
  readonly state?: CommandState | "open" | "final";
  readonly internal: boolean;
}

/** How far one stream of one log is stored. */
export interface Position {
  /** Every number up to here is stored, or inside a hole. */
  readonly upTo: number;
  /** Numbers below `upTo` that never came, as inclusive ranges in rising order. */
  readonly holes: readonly (readonly [from: number, to: number])[];
}

export interface LogPositions {
  readonly log: string;
  readonly firstSeenMs: number;
  readonly streams: Readonly<Partial<Record<Stream, Position>>>;
}

export interface NewRecord {
  readonly device: string;
  readonly log: string;
  readonly boot: string;
  readonly stream: Stream;
  readonly seq: number;
  readonly kind: string;
  readonly wallMs: number;
  readonly monoMs: number;
  readonly clock: ClockQuality;
  readonly replay: boolean;
  readonly receivedMs: number;
  /** Left out of the feed and pruned first: outcomes of the cloud's own commands. */
  readonly hidden: boolean;
  readonly body: JsonObject;
}

export interface RecordRow extends NewRecord {
  /** Rises with every record stored, over all devices. Never used again. */
  readonly cursor: number;
}

export interface RecordQuery {
  readonly device: string;
  readonly streams: readonly Stream[];
  readonly kind?: string;
  readonly limit: number;
  /** Newest first, below this cursor. */
  readonly before?: number;
  /** Oldest first, above this cursor. Wins over `before`. */
  readonly after?: number;
}

export type UploadPurpose = "screenshot" | "logs" | "support-bundle";
export type UploadState = "waiting" | "receiving" | "complete";

export interface UploadRow {
  /** `<device>.<id the device chose>`. */
  readonly id: string;
  readonly device: string;
  readonly request: string;
  readonly token: string;
  readonly purpose: UploadPurpose;
  readonly name: string;
  readonly contentType: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly state: UploadState;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly completedMs?: number;
  readonly command?: { readonly id: string; readonly attempt: number };
  readonly internal: boolean;
}

export interface UploadQuery {
  readonly device?: string;
  readonly purpose?: UploadPurpose;
  readonly state?: UploadState;
  readonly limit: number;
  readonly internal: boolean;
}

/** How much of each stream is kept per device. */
export interface RetentionCaps {
  readonly records: Readonly<Record<Stream, number>>;
  /** Outcomes of the cloud's own commands, and those commands. */
  readonly hidden: number;
  readonly commands: number;
}

/** What was pruned, by stream, `hidden` or `commands`. */
export type PruneReport = Readonly<Record<string, number>>;

export interface CloudStore {
  /**
   * Runs `work`. When this returns, all it wrote is on disk; when it throws, nothing of it is.
   * Transactions do not nest. Reads see what was written before in the same transaction.
   */
  transaction<T>(work: () => T): T;

  devices(): readonly DeviceRow[];
  device(id: string): DeviceRow | undefined;
  putDevice(row: DeviceRow): void;
  /** Removes the device and everything kept of it. */
  removeDevice(id: string): void;

  document(device: string, kind: DocumentKind): DocumentRow | undefined;
  putDocument(row: DocumentRow): void;
  removeDocument(device: string, kind: DocumentKind): void;

  /** The given attempt, or the newest. */
  command(device: string, id: string, attempt?: number): CommandRow | undefined;
  putCommand(row: CommandRow): void;
  /** Highest number first. */
  commands(query: CommandQuery): readonly CommandRow[];
  /** Every command without a final state, lowest number first; of one device or of all. */
  openCommands(device?: string): readonly CommandRow[];

  position(device: string, log: string, stream: Stream): Position;
  putPosition(device: string, log: string, stream: Stream, position: Position, nowMs: number): void;
  positions(device: string): readonly LogPositions[];

  /**
   * Stores and returns them with their cursors. The caller has made sure that none is there already; a second
   * one throws. `bodies` are the JSON texts of their bodies, in the same order, where the caller has them already.
   */
  appendRecords(records: readonly NewRecord[], bodies?: readonly string[]): readonly RecordRow[];
  /** Never returns hidden records. */
  records(query: RecordQuery): readonly RecordRow[];
  /** Records of stream `metric`, kind `telemetry`, by the device's time, oldest first, at most `limit`. */
  telemetry(device: string, fromMs: number, toMs: number, limit: number): readonly RecordRow[];
  /** How many records of a stream are there, hidden ones included. */
  recordCount(device: string, stream: Stream): number;

  upload(id: string): UploadRow | undefined;
  uploadByToken(token: string): UploadRow | undefined;
  putUpload(row: UploadRow): void;
  removeUpload(id: string): void;
  /** Newest first. */
  uploads(query: UploadQuery): readonly UploadRow[];

  /** Removes what exceeds the caps, oldest first, at most `budget` rows at once. */
  prune(caps: RetentionCaps, budget: number): PruneReport;
  /** Counters that survive a restart, such as what was pruned. */
  counter(name: string): number;
  counters(): Readonly<Record<string, number>>;
  addToCounter(name: string, by: number): void;

  close(): void;
}
