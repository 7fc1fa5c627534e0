import type { Backlog } from "../../core/outbox/backlog.ts";
import { STREAMS, type WireRecord } from "../../protocol/records.ts";
import type { EventsAnswer } from "./answers.ts";

/** Bounds the reads, so that listing a full outbox needs little memory. */
const BYTES_MAX = 512 * 1024;

/** The oldest records of each stream that the cloud has not stored, in sending order; at most `limit`. */
export async function waitingRecords(backlog: Backlog, limit: number): Promise<EventsAnswer["waiting"]> {
  const waiting: EventsAnswer["waiting"][number][] = [];
  const ranges = backlog.ranges();
  for (const stream of STREAMS) {
    let after = Math.max(ranges[stream].stored, ranges[stream].oldest - 1);
    while (waiting.length < limit) {
      const batch = await backlog.read(stream, after, { recordsMax: limit - waiting.length, bytesMax: BYTES_MAX });
      if (batch === undefined) break;
      for (const { seq, kind, wall, body } of JSON.parse(batch.recordsJson) as WireRecord[]) waiting.push({ stream, seq, kind, wallMs: wall, body });
      after = batch.last;
    }
  }
  return waiting;
}
