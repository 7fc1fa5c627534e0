import type { Limits } from "../../../agent/protocol/cloud-messages.ts";
import type { DesiredDocument } from "../../../agent/protocol/desired.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Crypto } from "../../../platform/ports/crypto.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { Random } from "../../../platform/ports/random.ts";
import type { CloudEvent } from "./cloud-events.ts";
import type { CloudStore, DeviceRow, RetentionCaps } from "./cloud-store.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { LiveSessions } from "./live-sessions.ts";
import type { Misbehaviours } from "./misbehaviour.ts";
import type { OwnerSigner } from "./owner-signer.ts";

/** How many devices a claim token may claim, and its life in ms from when the cloud first saw it. */
export interface ClaimTokenLimits {
  readonly devices: number;
  readonly lifeMs: number;
}

export interface CloudSettings {
  /** Origins under which devices may dial this cloud, such as `ws://127.0.0.1:8080`; the port is always present. */
  readonly audiences: readonly string[];
  /** Base URL of this cloud over HTTP, without a trailing slash. */
  readonly httpBase: string;
  /** Claims every unclaimed device that says hello. */
  readonly autoClaim: boolean;
  /** Accepted claim tokens of provisioning files. */
  readonly claimTokens: ReadonlySet<string>;
  /** Absent: `CLAIM_TOKEN_LIMITS`. */
  readonly claimTokenLimits?: ClaimTokenLimits;
  /** Desired document for a device on its first claim; `undefined`: none. */
  readonly defaultDesired: (device: string) => DesiredDocument | undefined;
  readonly limits: Limits;
  readonly caps: RetentionCaps;
}

/** Dependencies and state shared by all parts of the cloud. */
export interface CloudContext {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly store: CloudStore;
  readonly signer: OwnerSigner;
  readonly log: Log;
  readonly settings: CloudSettings;
  readonly commit: GroupCommit;
  readonly live: LiveSessions;
  readonly misbehaviours: Misbehaviours;
  readonly counters: CloudCounters;
  /** Tells listeners about a change. Call only after it is stored. */
  readonly emit: (event: CloudEvent) => void;
}

/** Since the start of this process. */
export interface CloudCounters {
  sessionsOpened: number;
  recordsStored: number;
  duplicates: number;
  rejected: number;
  malformedFrames: number;
  commitFailures: number;
}

export function newCounters(): CloudCounters {
  return { sessionsOpened: 0, recordsStored: 0, duplicates: 0, rejected: 0, malformedFrames: 0, commitFailures: 0 };
}

/** Changes a device's row inside the running transaction. Returns `undefined` when the device has been removed meanwhile. */
export function updateDevice(store: CloudStore, id: string, change: (row: DeviceRow) => DeviceRow): DeviceRow | undefined {
  const row = store.device(id);
  if (row === undefined) return undefined;
  const changed = change(row);
  store.putDevice(changed);
  return changed;
}
