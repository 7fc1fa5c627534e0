import type { Stream } from "../../protocol/records.ts";
import type { Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** Something to tell the cloud. */
export interface NewRecord {
  readonly stream: Stream;
  /** Kind within the stream; its body's schema is in agent/protocol/records.ts. */
  readonly kind: string;
  readonly body: JsonObject;
  /** Who it comes from, for rate limits: `page`, `gpio`, `agent`, … */
  readonly source: string;
  /** The same key again is answered with the first one's number and stored once. For senders that resend. */
  readonly dedupeKey?: string;
  /**
   * Answer only once it is on disk, also in a stream that promises that for later. It is written with the others of its
   * stream, so this costs the sender a wait of up to a second and the disk nothing. For senders that keep it until then.
   */
  readonly onceOnDisk?: boolean;
}

/**
 * Where every part of the agent puts its records. The promise resolves when the record is as safe as
 * its stream promises: on disk for `outcome`, `alarm` and `play`; accepted, and on disk within a
 * second, for `event` and `metric` (see `onceOnDisk`). Errors (the record was not accepted, and was counted):
 * `outbox.rate-limited`, `outbox.too-large`, `outbox.invalid`, `outbox.full`, `outbox.disk`, `outbox.closed`.
 */
export interface EventSink {
  append(record: NewRecord): Promise<Result<{ readonly seq: number }>>;
}
