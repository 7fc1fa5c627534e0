import type { DeviceMessageOf } from "../../../agent/protocol/device-messages.ts";
import type { Alarm, CommandOutcome, Gap, Stream, WireRecord } from "../../../agent/protocol/records.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { isJsonObject } from "../../../platform/runtime/json.ts";
import type { CommandRow, NewRecord, RecordRow } from "./cloud-store.ts";
import type { Commands } from "./commands.ts";
import type { CloudContext } from "./context.ts";
import { PositionCursor } from "./position.ts";
import { checkBody, type PoisonRecord } from "./record-gate.ts";

/** Result of storing one batch. It is answered once the transaction is on disk. */
export interface IntakeResult {
  readonly log: string;
  readonly stream: Stream;
  readonly upTo: number;
  readonly stored: readonly RecordRow[];
  readonly duplicates: number;
  readonly rejected: readonly PoisonRecord[];
  readonly commands: readonly CommandRow[];
  readonly alarmsChanged: boolean;
}

/** Stores batches of records: deduplicates by (device, log, stream, sequence number), sets poison aside, applies side effects. */
export class RecordIntake {
  readonly #context: CloudContext;
  readonly #commands: Commands;

  constructor(context: CloudContext, commands: Commands) {
    this.#context = context;
    this.#commands = commands;
  }

  /** Call inside a transaction. `poison` are records that were already refused. */
  take(device: string, message: DeviceMessageOf<"records">, poison: readonly PoisonRecord[]): IntakeResult {
    const { store, clock } = this.#context;
    const { log, stream } = message;
    const taken = new Set<number>();
    const cursor = new PositionCursor(
      store.position(device, log, stream),
      (seq) => taken.has(seq) || store.hasRecord(device, log, stream, seq),
    );
    const nowMs = clock.wallMs();
    const fresh: NewRecord[] = [];
    const bodies: string[] = [];
    const rejected: PoisonRecord[] = [];
    let duplicates = 0;
    const commands: CommandRow[] = [];
    let alarmsChanged = false;
    for (const entry of inOrder(message.records, poison)) {
      if (cursor.place(entry.seq) === "duplicate") {
        duplicates += 1;
        // A poison record is refused again: the device may have missed the first refusal.
        const again = "kind" in entry ? poisonOf(stream, entry, JSON.stringify(entry.body)) : entry;
        if (again !== undefined) rejected.push(again);
        continue;
      }
      if (!("kind" in entry)) {
        rejected.push(entry);
        continue;
      }
      const bodyText = JSON.stringify(entry.body);
      const refused = poisonOf(stream, entry, bodyText);
      if (refused !== undefined) {
        rejected.push(refused);
        continue;
      }
      const drawn = this.#draw(device, stream, entry, nowMs);
      if (drawn.command !== undefined) commands.push(drawn.command);
      alarmsChanged ||= drawn.alarm;
      taken.add(entry.seq);
      bodies.push(bodyText);
      fresh.push({
        device,
        log,
        boot: message.boot,
        stream,
        seq: entry.seq,
        kind: entry.kind,
        wallMs: entry.wall,
        monoMs: entry.mono,
        clock: message.clock,
        replay: message.replay ?? false,
        receivedMs: nowMs,
        hidden: drawn.hidden,
        body: entry.body,
      });
    }
    const stored = fresh.length === 0 ? [] : store.appendRecords(fresh, bodies);
    if (cursor.changed) store.putPosition(device, log, stream, cursor.position(), nowMs);
    return { log, stream, upTo: cursor.upTo, stored, duplicates, rejected, commands, alarmsChanged };
  }

  /** Applies a record's side effects: a command's outcome, an alarm raised or cleared, records lost. */
  #draw(
    device: string,
    stream: Stream,
    record: WireRecord,
    nowMs: number,
  ): { readonly hidden: boolean; readonly command?: CommandRow; readonly alarm: boolean } {
    if (record.kind === "gap") this.#countGap(device, record.body as unknown as Gap, nowMs);
    else if (stream === "outcome" && record.kind === "command") {
      const command = this.#commands.takeOutcome(device, record.body as unknown as CommandOutcome, nowMs);
      return { hidden: command?.internal ?? false, ...(command === undefined ? {} : { command }), alarm: false };
    } else if (stream === "alarm" && record.kind === "alarm") {
      this.#noteAlarm(device, record.body as unknown as Alarm, record.wall, nowMs);
      return { hidden: false, alarm: true };
    }
    return { hidden: false, alarm: false };
  }

  #noteAlarm(device: string, alarm: Alarm, raisedMs: number, nowMs: number): void {
    const { store } = this.#context;
    const open = { ...store.document(device, "alarms")?.document };
    if (alarm.state === "raised") open[alarm.code] = { severity: alarm.severity, message: alarm.message, raisedMs };
    else delete open[alarm.code];
    store.putDocument({ device, kind: "alarms", version: 0, atMs: nowMs, document: open });
  }

  #countGap(device: string, gap: Gap, nowMs: number): void {
    const { store } = this.#context;
    const gaps: Record<string, JsonObject[string]> = { ...store.document(device, "gaps")?.document };
    const key = `${gap.stream}:${gap.reason}`;
    const before = gaps[key];
    const count = isJsonObject(before) && typeof before["count"] === "number" ? before["count"] : 0;
    gaps[key] = { stream: gap.stream, reason: gap.reason, count: count + gap.count };
    store.putDocument({ device, kind: "gaps", version: 0, atMs: nowMs, document: gaps });
  }
}

function poisonOf(stream: Stream, record: WireRecord, bodyText: string): PoisonRecord | undefined {
  const issue = checkBody(stream, record, bodyText);
  return issue === undefined ? undefined : { seq: record.seq, code: issue.code, message: issue.message };
}

/** Valid and poison records merged by sequence number. */
function* inOrder(records: readonly WireRecord[], poison: readonly PoisonRecord[]): Generator<WireRecord | PoisonRecord> {
  if (poison.length === 0) {
    yield* records;
    return;
  }
  yield* [...records, ...poison].sort((a, b) => a.seq - b.seq);
}
