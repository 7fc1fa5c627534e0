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

/** How long a claim token is good after the cloud first knew of it, and for how many devices. */
export interface ClaimTokenLimits {
  readonly devices: number;
  readonly lifeMs: number;
}

export interface CloudSettings {
  /** Origins (`ws://127.0.0.1:8080`, port always there) under which devices may have dialed this cloud. */
  readonly audiences: readonly string[];
  /** Where people and uploads reach this cloud over HTTP, without a slash at its end. */
  readonly httpBase: string;
  /** Claims every unclaimed device that says hello. */
  readonly autoClaim: boolean;
  /** Claim tokens of provisioning files that are honoured. */
  readonly claimTokens: ReadonlySet<string>;
  /** Absent: `CLAIM_TOKEN_LIMITS`. */
  readonly claimTokenLimits?: ClaimTokenLimits;
  /** What a device is told to be right after its first claim; absent: nothing. */
  readonly defaultDesired: (device: string) => DesiredDocument | undefined;
  readonly limits: Limits;
  readonly caps: RetentionCaps;
}

/** What every part of the cloud's side works with. */
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
  /** Tells listeners what changed. Only after it is stored. */
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

/** Changes one device's row in the running transaction. A device that was forgotten meanwhile stays forgotten. */
export function updateDevice(store: CloudStore, id: string, change: (row: DeviceRow) => DeviceRow): DeviceRow | undefined {
  const row = store.device(id);
  if (row === undefined) return undefined;
  const changed = change(row);
  store.putDevice(changed);
  return changed;
}
