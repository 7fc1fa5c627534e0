import type { Stream } from "../../protocol/records.ts";
import type { Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** A record for the cloud. */
export interface NewRecord {
  readonly stream: Stream;
  /** Kind within the stream; its body's schema is in agent/protocol/records.ts. */
  readonly kind: string;
  readonly body: JsonObject;
  /** Sender, for rate limits: `page`, `gpio`, `agent`, … */
  readonly source: string;
  /** A repeated key is stored once and answered with the first one's number. For senders that resend. */
  readonly dedupeKey?: string;
  /**
   * Resolve only once the record is on disk, even in `event` and `metric`. It is written with the others of its stream:
   * the sender waits up to a second, and the disk has no extra work. For senders that keep the record until then.
   */
  readonly onceOnDisk?: boolean;
}

/**
 * Takes records from every part of the agent. The promise resolves when the record is as safe as its
 * stream promises: on disk for `outcome`, `alarm` and `play`; accepted, and on disk within a second,
 * for `event` and `metric` (see `onceOnDisk`). Errors (the record was not accepted; the refusal is counted):
 * `outbox.rate-limited`, `outbox.too-large`, `outbox.invalid`, `outbox.full`, `outbox.disk`, `outbox.closed`.
 */
export interface EventSink {
  append(record: NewRecord): Promise<Result<{ readonly seq: number }>>;
}
