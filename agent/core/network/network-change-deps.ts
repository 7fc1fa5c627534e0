import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { NetworkSettings } from "../../../platform/ports/network-settings.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { RetryPolicy } from "../../../platform/runtime/retry-schedule.ts";
import type { LinkStatus } from "../cloud/cloud-port.ts";
import { DEFAULT_MIGRATION_POLICY } from "../cloud/migration.ts";
import type { WayToCloud } from "../cloud/way-to-cloud.ts";
import type { Alarms } from "../health/alarms.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import type { CloudProxy } from "./cloud-proxy.ts";

export interface NetworkPolicy {
  /** Time after applying new settings in which a cloud must welcome the device. */
  readonly trialMs: number;
  /** Delay before the same settings are tried again. */
  readonly retry: RetryPolicy;
  /** Retry delay while the device is offline, if shorter. */
  readonly offlineRetryMs: number;
  /** Between requests for access by 802.1X while the device is offline. */
  readonly askAgainMs: number;
  /** Between attempts to restore the old settings, or to make the machine keep the new ones. */
  readonly machine: RetryPolicy;
}

export const DEFAULT_NETWORK_POLICY: NetworkPolicy = {
  trialMs: 180_000,
  retry: DEFAULT_MIGRATION_POLICY.retry,
  offlineRetryMs: 900_000,
  askAgainMs: 120_000,
  machine: { firstMs: 5_000, factor: 2, capMs: 300_000, floorMs: 2_000 },
};

export interface ChangingLink {
  status(): LinkStatus;
  onStatus(listener: (status: LinkStatus) => void): () => void;
  reconnect(reason: "moving" | "reconnecting"): void;
  nudge(): void;
}

export interface NetworkChangeDeps {
  /** Absent: the agent cannot set this machine's network. */
  readonly settings: NetworkSettings | undefined;
  /** Absent: the transport does not support a proxy. */
  readonly proxy: CloudProxy | undefined;
  readonly documents: DocumentStore;
  readonly crypto: Pick<Crypto, "sha256">;
  readonly way: WayToCloud;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly policy: NetworkPolicy;
}
