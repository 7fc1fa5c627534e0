import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { utf8Length } from "../../../platform/runtime/encoding.ts";
import { isDeeperThan } from "../../../platform/runtime/json-depth.ts";
import { FRAME_DEPTH_MAX, RECORD_BODY_BYTES_MAX } from "../../protocol/limits.ts";
import type { NewRecord } from "./event-sink.ts";

/** The body as it is stored and sent. */
export interface CheckedBody {
  readonly text: string;
  readonly bytes: number;
}

/** The body is nested three levels deep in its frame; one more level is reserved for later protocols. */
const BODY_DEPTH_MAX = FRAME_DEPTH_MAX - 4;
const KIND = /^[a-z][a-z0-9-]{0,31}$/;
const DEDUPE_KEY_LENGTH_MAX = 128;

/**
 * Rejects records that would make the cloud refuse a whole frame: one bad record must not hold up the others.
 * Errors: `outbox.too-large`, `outbox.invalid`.
 */
export function checkRecord(record: NewRecord): Result<CheckedBody> {
  if (!KIND.test(record.kind)) return invalid(`record kind ${JSON.stringify(record.kind.slice(0, 64))} is not 1 to 32 of a-z, 0-9 and -`);
  if ((record.dedupeKey?.length ?? 0) > DEDUPE_KEY_LENGTH_MAX) return invalid(`a dedupe key has at most ${DEDUPE_KEY_LENGTH_MAX} characters`);
  if (isDeeperThan(record.body, BODY_DEPTH_MAX - 1)) return invalid(`the body is nested deeper than ${BODY_DEPTH_MAX} levels`);
  const text = JSON.stringify(record.body);
  const bytes = utf8Length(text);
  if (bytes > RECORD_BODY_BYTES_MAX) return fail("outbox.too-large", `the body has ${bytes} bytes; the limit is ${RECORD_BODY_BYTES_MAX}`);
  return ok({ text, bytes });
}

function invalid(message: string): Result<never> {
  return fail("outbox.invalid", message);
}
