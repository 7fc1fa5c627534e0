import type { ClockSegment, GapEntry } from "../../core/outbox/outbox-store.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import { QUALITIES, STREAM_IDS } from "./outbox-schema.ts";
import type { RawRow, RawValue } from "./page-scan.ts";
import { rowChecksum } from "./row-checksum.ts";

/** A row of an outbox table as read from a page, verified by its checksum. */
export type OutboxRow =
  | {
      readonly table: "records";
      readonly stream: Stream;
      readonly seq: number;
      readonly segment: number;
      readonly kind: number;
      readonly monoMs: number;
      readonly crc: number;
      readonly dedupeKey: string | null;
      readonly body: string;
    }
  | { readonly table: "stream"; readonly stream: Stream; readonly stored: number; readonly floor: number; readonly newest: number }
  | { readonly table: "segment"; readonly segment: ClockSegment }
  | { readonly table: "kind"; readonly id: number; readonly name: string; readonly crc: number }
  | { readonly table: "gap"; readonly id: number; readonly gap: GapEntry }
  | { readonly table: "recent_key"; readonly key: string; readonly seq: number; readonly crc: number };

/** Interprets a raw row; `undefined` for garbage, SQLite's own rows, and rows nobody needs. */
export function outboxRowOf({ rowid, values }: RawRow): OutboxRow | undefined {
  switch (values.length) {
    case 7:
      return recordRow(rowid, values);
    case 5:
      return streamRow(rowid, values);
    case 6:
      return segmentRow(rowid, values);
    case 4:
      return keyRow(values);
    case 3:
      return textRow(rowid, values);
    default:
      return undefined;
  }
}

function recordRow(seq: number, [, segment, kind, monoMs, crc, dedupeKey, body]: readonly RawValue[]): OutboxRow | undefined {
  if (!isNumber(segment) || !isNumber(kind) || !isNumber(monoMs) || !isNumber(crc) || typeof body !== "string") return undefined;
  if (dedupeKey === undefined || typeof dedupeKey === "number") return undefined;
  // A page does not name its table, but the checksum includes the name.
  const stream = STREAMS.find((name) => crc === rowChecksum(name, [seq, segment, kind, monoMs, dedupeKey], body));
  return stream === undefined ? undefined : { table: "records", stream, seq, segment, kind, monoMs, crc, dedupeKey, body };
}

function streamRow(id: number, [, stored, floor, newest, crc]: readonly RawValue[]): OutboxRow | undefined {
  const stream = STREAMS.find((name) => STREAM_IDS[name] === id);
  if (stream === undefined || !isNumber(stored) || !isNumber(floor) || !isNumber(newest)) return undefined;
  return crc === rowChecksum("stream", [id, stored, floor, newest], "") ? { table: "stream", stream, stored, floor, newest } : undefined;
}

function segmentRow(id: number, [, boot, quality, offsetMs, sinceMonoMs, crc]: readonly RawValue[]): OutboxRow | undefined {
  if (typeof boot !== "string" || !isNumber(quality) || !isNumber(offsetMs) || !isNumber(sinceMonoMs)) return undefined;
  const name = QUALITIES[quality];
  if (name === undefined || crc !== rowChecksum("segment", [id, quality, offsetMs, sinceMonoMs], boot)) return undefined;
  return { table: "segment", segment: { id, boot, quality: name, offsetMs, sinceMonoMs } };
}

function keyRow([, key, seq, crc]: readonly RawValue[]): OutboxRow | undefined {
  if (typeof key !== "string" || !isNumber(seq) || !isNumber(crc)) return undefined;
  return crc === rowChecksum("recent_key", [seq], key) ? { table: "recent_key", key, seq, crc } : undefined;
}

function textRow(id: number, [, text, crc]: readonly RawValue[]): OutboxRow | undefined {
  if (typeof text !== "string" || !isNumber(crc)) return undefined;
  if (crc === rowChecksum("kind", [id], text)) return { table: "kind", id, name: text, crc };
  return crc === rowChecksum("gap", [id], text) ? { table: "gap", id, gap: JSON.parse(text) as GapEntry } : undefined;
}

function isNumber(value: RawValue | undefined): value is number {
  return typeof value === "number";
}
