import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { Stream } from "../../protocol/records.ts";
import type { Batch } from "./backlog.ts";
import type { ClockSegments } from "./clock-segments.ts";
import type { StoredRow } from "./outbox-store.ts";

/** Maximum bytes of one record's keys, numbers and punctuation, without its kind and body. */
export const RECORD_OVERHEAD_BYTES = 112;

/**
 * Joins the text of consecutive rows into one batch, cut where the boot or the clock quality changes and
 * before `bytesMax` is exceeded. `rows` must not be empty. Bodies are not parsed: they were valid JSON when
 * accepted and have been under a checksum since.
 */
export function joinRecords(stream: Stream, rows: readonly StoredRow[], segments: ClockSegments, bytesMax: number): Batch {
  let text = "[";
  let bytes = 2;
  let count = 0;
  let first = 0;
  let last = 0;
  let boot = "";
  let clock: ClockQuality = "unset";
  for (const row of rows) {
    const time = segments.resolve(row.segment, row.monoMs);
    if (count > 0 && (time.boot !== boot || time.quality !== clock)) break;
    const head = `${count > 0 ? "," : ""}{"seq":${row.seq},"kind":"${row.kind}","wall":${time.wallMs},"mono":${row.monoMs},"body":`;
    const size = head.length + row.bytes + 1;
    if (count > 0 && bytes + size > bytesMax) break;
    if (count === 0) {
      first = row.seq;
      boot = time.boot;
      clock = time.quality;
    }
    text += `${head}${row.body}}`;
    bytes += size;
    count += 1;
    last = row.seq;
  }
  return { stream, boot, clock, first, last, recordsJson: `${text}]`, count, bytes };
}
