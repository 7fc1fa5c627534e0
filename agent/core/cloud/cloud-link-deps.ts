import type { Clock, ClockQuality, Timers } from "../../../platform/ports/clock.ts";
import type { DeviceKey } from "../../../platform/ports/crypto.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { Backlog } from "../outbox/backlog.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import type { SessionHandlers, Transport } from "./cloud-port.ts";
import type { DrainFactory } from "./drain-port.ts";
import type { LinkPolicy } from "./link-policy.ts";
import type { ServerClock } from "./server-clock.ts";

export interface CloudLinkDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly policy: LinkPolicy;
  /** The device's key and the id derived from it. */
  readonly key: DeviceKey;
  readonly deviceId: string;
  readonly bootId: string;
  clockQuality(): Promise<ClockQuality>;
  /** Fingerprint of the stored owner's command key. */
  ownerFingerprint(): string | undefined;
  /** Claim token of the provisioning file, until it was used. */
  claimToken(): string | undefined;
  readonly documents: DocumentStore;
  readonly backlog: Backlog;
  readonly drain: DrainFactory;
  readonly handlers: SessionHandlers;
  readonly serverClock: ServerClock;
  /** Addresses at the start, preferred first; `setEndpoints` replaces them. */
  readonly endpoints: readonly string[];
  /** The first attempt after a boot is delayed by a random part of this. */
  readonly firstConnectSpreadMs: number;
}
