import type { Clock, ClockQuality, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { Stream } from "../../protocol/records.ts";
import type { OutboxLimits } from "./outbox-limits.ts";
import type { OpenOutboxStore, StorageLoss } from "./outbox-store.ts";

export interface OutboxDeps {
  readonly openStore: OpenOutboxStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  /** This boot's id, and the current quality of its wall clock (see `clockQuality`). */
  readonly boot: string;
  readonly quality: ClockQuality;
  readonly limits?: Partial<OutboxLimits>;
}

/** A storage event, for alarms. */
export type OutboxIncident =
  | { readonly kind: "loss"; readonly loss: StorageLoss }
  /** Records are kept in memory only. `storage.full`, `storage.read-only`, `storage.io` or `storage.corrupt`. */
  | { readonly kind: "degraded"; readonly why: Issue }
  | { readonly kind: "recovered" }
  /** A write failed and is retried; accepted records stay in memory until then. */
  | { readonly kind: "write-failed"; readonly why: Issue }
  | { readonly kind: "write-recovered" }
  /** The cloud acknowledged numbers never handed out: the end of the log was lost, and the log has a new id. */
  | { readonly kind: "new-log"; readonly log: string; readonly stream: Stream; readonly claimed: number; readonly handedOut: number };
