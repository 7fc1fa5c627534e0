import type { CommandFinalState, Stream } from "../../../agent/protocol/records.ts";
import type { Issue } from "../../tool-result.ts";
import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** The cloud's storage. Two implementations, SQLite and memory, pass the same conformance suite. */

/** State of a device's link, as last seen. */
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
  /** Name given by an operator. */
  readonly name?: string;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  /** Since when the device is ours, and the fingerprint of the key it was given. Absent: not claimed by us. */
  readonly owner?: { readonly key: string; readonly sinceMs: number };
  /** Fingerprint of the command key the device holds when it is not ours: another owner's device. */
  readonly foreignOwner?: string;
  /** Released, but the device may not know yet: the release is sent again when it connects with our key. */
  readonly released?: boolean;
  /** Endorsement of our key by another cloud's key. */
  readonly endorsement?: { readonly by: string; readonly signature: string };
  readonly link: LinkRow;
  readonly agent?: { readonly version: string; readonly platform: string; readonly name?: string };
  readonly clock?: { readonly quality: ClockQuality; readonly offsetMs: number };
  /** Highest command number signed for the device. */
  readonly number: number;
  /** Highest desired version ever seen for the device. New versions must be higher. */
  readonly desiredFloor: number;
}

export type DocumentKind = "reported" | "desired" | "profile" | "alarms" | "gaps" | "limits";

/** One JSON document of a device. `version` is 0 for kinds without versions. */
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
  /** The exact signed text. */
  readonly payload: string;
  readonly state: CommandState;
  readonly stages: readonly CommandStage[];
  readonly issuedMs: number;
  readonly notAfterMs: number;
  readonly ttlMs: number;
  readonly internal: boolean;
  readonly progress?: { readonly step?: string; readonly percent?: number; readonly atMs: number };
  /** The device acknowledged the command with a final state; its outcome record should follow. */
  readonly ackedFinal?: { readonly state: CommandFinalState; readonly atMs: number };
  /** The requested cancel, with the text to sign. */
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

/** Acknowledged position of one stream of one log. */
export interface Position {
  /** Every sequence number up to this one is stored, was refused, or lies in a hole. */
  readonly upTo: number;
  /**
   * Sequence numbers below `upTo` that never arrived, as inclusive ascending ranges. Where too many were merged, a
   * range also covers numbers that are stored.
   */
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
  /** Increases with every stored record, across all devices. Never reused. */
  readonly cursor: number;
}

export interface RecordQuery {
  readonly device: string;
  readonly streams: readonly Stream[];
  readonly kind?: string;
  readonly limit: number;
  /** Newest first, below this cursor. */
  readonly before?: number;
  /** Oldest first, above this cursor. Takes precedence over `before`. */
  readonly after?: number;
}

export type UploadPurpose = "screenshot" | "logs" | "support-bundle";
export type UploadState = "waiting" | "receiving" | "complete";

export interface UploadRow {
  /** `<device>.<id chosen by the device>`. */
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

/** Rows kept per device. */
export interface RetentionCaps {
  readonly records: Readonly<Record<Stream, number>>;
  /** Outcomes of the cloud's own commands, and those commands. */
  readonly hidden: number;
  readonly commands: number;
}

/** Rows pruned, by stream, `hidden` or `commands`. */
export type PruneReport = Readonly<Record<string, number>>;

export interface CloudStore {
  /**
   * Runs `work`. When this returns, all its writes are on disk; when it throws, none are.
   * Transactions do not nest. Reads see earlier writes of the same transaction.
   */
  transaction<T>(work: () => T): T;
  /** Runs `work` as a part of the current transaction. When it throws, its own writes are undone and the others stay. */
  savepoint<T>(work: () => T): T;

  devices(): readonly DeviceRow[];
  device(id: string): DeviceRow | undefined;
  putDevice(row: DeviceRow): void;
  /** Removes the device and all its data. */
  removeDevice(id: string): void;

  document(device: string, kind: DocumentKind): DocumentRow | undefined;
  putDocument(row: DocumentRow): void;
  removeDocument(device: string, kind: DocumentKind): void;

  /** The given attempt, or the newest. */
  command(device: string, id: string, attempt?: number): CommandRow | undefined;
  putCommand(row: CommandRow): void;
  /** Highest number first. */
  commands(query: CommandQuery): readonly CommandRow[];
  /** Commands without a final state, of one device or of all, lowest number first. */
  openCommands(device?: string): readonly CommandRow[];

  position(device: string, log: string, stream: Stream): Position;
  putPosition(device: string, log: string, stream: Stream, position: Position, nowMs: number): void;
  positions(device: string): readonly LogPositions[];

  /**
   * Stores the records and returns them with their cursors. Throws when one is already stored. `bodies` are the
   * bodies as JSON texts, in the same order, if the caller already has them.
   */
  appendRecords(records: readonly NewRecord[], bodies?: readonly string[]): readonly RecordRow[];
  /** Whether the record is stored, hidden or not. False once it was pruned. */
  hasRecord(device: string, log: string, stream: Stream, seq: number): boolean;
  /** Never returns hidden records. */
  records(query: RecordQuery): readonly RecordRow[];
  /** The newest `limit` records of stream `metric` and kind `telemetry` in a range of device time, oldest first. */
  telemetry(device: string, fromMs: number, toMs: number, limit: number): readonly RecordRow[];
  /** Number of stored records of a stream, hidden ones included. */
  recordCount(device: string, stream: Stream): number;

  upload(id: string): UploadRow | undefined;
  uploadByToken(token: string): UploadRow | undefined;
  putUpload(row: UploadRow): void;
  removeUpload(id: string): void;
  /** Newest first. */
  uploads(query: UploadQuery): readonly UploadRow[];

  /** Removes what exceeds the caps, oldest first, at most `budget` rows per call. */
  prune(caps: RetentionCaps, budget: number): PruneReport;
  /** Counters that survive a restart, such as the number of pruned rows. 0 for an unknown name. */
  counter(name: string): number;
  counters(): Readonly<Record<string, number>>;
  addToCounter(name: string, by: number): void;

  close(): void;
}
