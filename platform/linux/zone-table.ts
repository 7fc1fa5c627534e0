import type { ZoneTable } from "../ports/host.ts";
import type { MachineFiles } from "./machine-files.ts";

/** A zone name of the IANA database. Excludes other files in its folder: `posix/…`, `right/…`, `localtime`. */
const ZONE_NAME = /^(?!Factory$)[A-Z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/;
const HEADER_BYTES = 44;
const MAGIC = 0x545a6966;
/** Compact files list no transitions that follow from a rule, so their list ends years ago and is of no use here. */
const END_AT_LEAST_MS = Date.UTC(2036, 0, 1);

interface Counts {
  readonly isUtc: number;
  readonly isStandard: number;
  readonly leaps: number;
  readonly times: number;
  readonly types: number;
  readonly chars: number;
}

/**
 * Reads a zone's transitions from the machine's database (TZif, RFC 8536, version 2 and later). The rule that continues the
 * list is not read: after the last transition the JavaScript engine has to be asked. Returns `undefined` if the file is
 * missing or damaged, or its list ends too soon.
 */
export function readZoneTable(files: Pick<MachineFiles, "bytes">, name: string): ZoneTable | undefined {
  if (!ZONE_NAME.test(name)) return undefined;
  const read = files.bytes(`usr/share/zoneinfo/${name}`);
  if (!read.ok) return undefined;
  try {
    return parse(read.value);
  } catch (thrown) {
    // The file is truncated; the engine has its own tables.
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

function parse(bytes: Uint8Array): ZoneTable | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint8(4) < "2".charCodeAt(0)) return undefined;
  // The first block has 32-bit times, for old readers.
  const second = HEADER_BYTES + blockBytes(countsAt(view, 0), 4);
  if (view.getUint32(second) !== MAGIC) return undefined;
  const counts = countsAt(view, second);
  // A file with leap seconds does not fit the computer's clock.
  if (counts.leaps > 0 || counts.types === 0) return undefined;
  const timesAt = second + HEADER_BYTES;
  const indexesAt = timesAt + counts.times * 8;
  const typesAt = indexesAt + counts.times;
  const offsetOf = (type: number): number => {
    if (type >= counts.types) throw new RangeError("no such type");
    return view.getInt32(typesAt + type * 6) * 1000;
  };
  const changesMs = Array.from({ length: counts.times }, (_, at) => Number(view.getBigInt64(timesAt + at * 8)) * 1000);
  const offsetsMs = Array.from({ length: counts.times }, (_, at) => offsetOf(view.getUint8(indexesAt + at)));
  const firstMs = offsetOf(0);
  const footer = new TextDecoder().decode(bytes.subarray(timesAt + blockBytes(counts, 8)));
  if (!/^\n[^\n]*\n/.test(footer)) return undefined;
  const endMs = footer.includes(",") ? (changesMs.at(-1) ?? Number.NEGATIVE_INFINITY) : Number.POSITIVE_INFINITY;
  if (endMs < END_AT_LEAST_MS) return undefined;
  return {
    offsetMs: (utcMs) => {
      if (utcMs >= endMs) return undefined;
      const next = changesMs.findIndex((changeMs) => changeMs > utcMs);
      const last = next === -1 ? changesMs.length - 1 : next - 1;
      return offsetsMs[last] ?? firstMs;
    },
  };
}

function countsAt(view: DataView, at: number): Counts {
  const count = (index: number): number => view.getUint32(at + 20 + index * 4);
  return { isUtc: count(0), isStandard: count(1), leaps: count(2), times: count(3), types: count(4), chars: count(5) };
}

function blockBytes({ isUtc, isStandard, leaps, times, types, chars }: Counts, timeBytes: number): number {
  return times * (timeBytes + 1) + types * 6 + chars + leaps * (timeBytes + 4) + isStandard + isUtc;
}
