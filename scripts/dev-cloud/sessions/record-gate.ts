import * as v from "valibot";
import { validate } from "../../../agent/protocol/codec.ts";
import { RecordsSchema, type DeviceMessageOf } from "../../../agent/protocol/device-messages.ts";
import { FRAME_DEPTH_MAX, RECORD_BODY_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import { RECORD_BODIES, RecordSchema, type Stream, type WireRecord } from "../../../agent/protocol/records.ts";
import { PositiveSchema } from "../../../agent/protocol/values.ts";
import { fail, ok, type Issue, type Result } from "../../tool-result.ts";
import { isJsonObject, type Json } from "../../../platform/runtime/json.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import { isDeeperThan } from "../../../platform/runtime/json-depth.ts";
import { isPlainTelemetry } from "./telemetry-check.ts";
import { validateAs } from "../validate-as.ts";

/** A record the cloud will never accept. It must not block the ones behind it. */
export interface PoisonRecord {
  readonly seq: number;
  readonly code: string;
  readonly message: string;
}

/**
 * Checks one record's body. Codes: `record.too-large`, `record.invalid`. A kind unknown to this version is
 * accepted unchecked: the device may be newer than the cloud.
 */
export function checkBody(stream: Stream, record: WireRecord, bodyText: string): Issue | undefined {
  const bytes = utf8(bodyText).length;
  if (bytes > RECORD_BODY_BYTES_MAX) {
    return {
      code: "record.too-large",
      message: `the body has ${bytes} bytes; at most ${RECORD_BODY_BYTES_MAX} bytes are allowed`,
    };
  }
  if (record.kind === "telemetry" && stream === "metric" && isPlainTelemetry(record.body)) return undefined;
  const schema =
    record.kind === "gap" ? RECORD_BODIES["*/gap"] : (RECORD_BODIES[`${stream}/${record.kind}`] ?? RECORD_BODIES[`${stream}/*`]);
  if (schema === undefined) return undefined;
  const checked = validateAs("record.invalid", schema, record.body, `${stream} record of kind "${record.kind}"`);
  return checked.ok ? undefined : checked.error;
}

const { records: _records, ...envelopeEntries } = RecordsSchema.entries;
const EnvelopeSchema = v.object(envelopeEntries);
/** The frame and its `records` array use two of the allowed levels. */
const RECORD_DEPTH_MAX = FRAME_DEPTH_MAX - 2;

/**
 * Splits a `records` frame that failed validation into its valid records and the poison ones. Fails when the
 * frame around the records is itself invalid or a record has no usable sequence number. Codes: `message.malformed`,
 * `record.no-number`.
 */
export function salvageRecords(
  frame: Json,
): Result<{ readonly message: DeviceMessageOf<"records">; readonly poison: readonly PoisonRecord[] }> {
  if (!isJsonObject(frame) || frame["t"] !== "records" || !Array.isArray(frame["records"]))
    return fail("message.malformed", "not a frame of records");
  const envelope = validate(EnvelopeSchema, frame, 'message "records"');
  if (!envelope.ok) return envelope;
  const records: WireRecord[] = [];
  const poison: PoisonRecord[] = [];
  for (const value of frame["records"] as readonly Json[]) {
    const seq = isJsonObject(value) ? v.safeParse(PositiveSchema, value["seq"]) : undefined;
    if (seq === undefined || !seq.success)
      return fail("record.no-number", "a record has no usable sequence number, so it cannot be refused individually");
    if (isDeeperThan(value, RECORD_DEPTH_MAX)) {
      poison.push({
        seq: seq.output,
        code: "record.too-deep",
        message: `the record is nested deeper than ${RECORD_DEPTH_MAX} levels`,
      });
      continue;
    }
    const record = validateAs("record.malformed", RecordSchema, value, `record ${seq.output}`);
    if (record.ok) records.push(record.value);
    else poison.push({ seq: seq.output, code: record.error.code, message: record.error.message });
  }
  return ok({ message: { ...envelope.value, records }, poison });
}
