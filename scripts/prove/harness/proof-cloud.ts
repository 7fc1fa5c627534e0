import { createHash } from "node:crypto";
import type { DeviceMessageOf } from "../../../agent/protocol/device-messages.ts";
import { STREAMS, type Alarm, type CommandOutcome, type Gap, type Stream } from "../../../agent/protocol/records.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { parseJson, isJsonObject } from "../../../platform/runtime/json.ts";
import { startDevCloud, type DevCloud } from "../../dev-cloud/dev-cloud.ts";
import type { RecordRow } from "../../dev-cloud/sessions/cloud-store.ts";
import type { NumberReuse, StoredRecord } from "./ledger.ts";

/** Records kept per stream, more than any campaign creates. */
const RECORDS_MAX = 50_000_000;
const PAGE_ROWS = 5_000;

/** A development cloud in this process that inspects its incoming frames. */
export class ProofCloud {
  readonly dev: DevCloud;
  readonly reuses: NumberReuse[] = [];
  /** First body of each sequence number, over all devices: log ids are unique. */
  readonly #seen = new Map<string, string>();

  private constructor(dev: DevCloud) {
    this.dev = dev;
    this.#listen();
  }

  static async start(data: string, options: { readonly ownerKey?: string; readonly autoClaim?: boolean } = {}): Promise<ProofCloud> {
    const { ownerKey, autoClaim = true } = options;
    return new ProofCloud(
      await startDevCloud(
        // This process is not killed, so its data need not survive a power cut.
        { port: 0, host: "127.0.0.1", data, autoClaim, claimTokens: [], survives: "process", recordsMax: RECORDS_MAX, ...(ownerKey !== undefined && { ownerKey }) },
        silentLog,
        "prove",
      ),
    );
  }

  /** Sequence numbers used twice in the logs of `records`. */
  reusesOf(records: readonly StoredRecord[]): readonly NumberReuse[] {
    const logs = new Set(records.map(({ log }) => log));
    return this.reuses.filter(({ log }) => logs.has(log));
  }

  get endpoint(): string {
    return `${this.dev.base.replace("http", "ws")}/device/v1`;
  }

  /** Number of stored plays of one device. */
  playsOf(device: string): number {
    return this.dev.cloud.context.store.recordCount(device, "play");
  }

  /** All stored records of one device, oldest first. */
  records(device: string): StoredRecord[] {
    const rows: StoredRecord[] = [];
    const { store } = this.dev.cloud.context;
    for (let after = 0; ; ) {
      const page = store.records({ device, streams: STREAMS, limit: PAGE_ROWS, after });
      for (const row of page) rows.push(factsOf(row));
      const last = page.at(-1);
      if (last === undefined) return rows;
      after = last.cursor;
    }
  }

  /** Compares each record with earlier ones of the same number; the store alone would treat it as a duplicate. */
  #listen(): void {
    const { cloud } = this.dev;
    const open = cloud.open.bind(cloud);
    cloud.open = (connection) => {
      const session = open(connection);
      const onFrame = session.onFrame.bind(session);
      session.onFrame = (text, bytes) => {
        this.#look(text);
        onFrame(text, bytes);
      };
      return session;
    };
  }

  #look(text: string): void {
    if (!text.includes('"t":"records"')) return;
    const frame = parseJson(text);
    if (!isJsonObject(frame)) return;
    const { log, stream, records } = frame as unknown as DeviceMessageOf<"records">;
    for (const { seq, kind, body } of records) this.#compare(log, stream, seq, `${kind} ${JSON.stringify(body)}`);
  }

  #compare(log: string, stream: Stream, seq: number, text: string): void {
    const key = `${log}/${stream}/${seq}`;
    const hash = createHash("sha1").update(text).digest("base64").slice(0, 12);
    const before = this.#seen.get(key);
    if (before === undefined) this.#seen.set(key, hash);
    else if (before !== hash) this.reuses.push({ log, stream, seq, was: before, is: text.slice(0, 200) });
  }
}

function factsOf({ log, stream, seq, kind, body }: RecordRow): StoredRecord {
  if (kind === "gap") return { log, stream, seq, gap: body as unknown as Gap };
  if (kind === "alarm") {
    const { state, code } = body as unknown as Alarm;
    return state === "raised" ? { log, stream, seq, alarm: code } : { log, stream, seq };
  }
  if (stream === "outcome" && kind === "command") {
    const { id, attempt, state } = body as unknown as CommandOutcome;
    return { log, stream, seq, command: `${id}/${attempt}`, outcome: state };
  }
  const page = stream === "play" ? body["item"] : stream === "event" && kind === "page" ? body["name"] : undefined;
  return { log, stream, seq, ...(typeof page === "string" && { page }) };
}
