import * as v from "valibot";
import { JsonObjectSchema, Sha256Schema } from "../../protocol/values.ts";
import type { NetworkCheckpoint } from "../../../platform/ports/network-settings.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { planTrial, trialAfterStart, triedOf, TRIED_ENTRIES, type Settled, type TrialFailure, type TrialPlan, type TrialState } from "../cloud/trial.ts";
import type { Issue } from "../../../platform/ports/result.ts";

/** Which network settings the device goes by. Settings are named by a digest, so that no password is written down here. */
export type NetworkChangeState = TrialState<CommittedNetwork, NetworkTrial>;

export interface CommittedNetwork {
  /** Of the settings that were confirmed last; absent: none were ever set by the cloud. */
  readonly digest?: string;
  /** The proxy they hold. `null`: none; absent: the configured one. */
  readonly proxy?: string | null;
  /** Confirmed, and the machine was not told yet that they stay. */
  readonly unkept?: NetworkCheckpoint;
}

export interface NetworkTrial {
  readonly digest: string;
  readonly proxy?: string | null;
  /** The way back; absent: nothing of the machine's own is changed. */
  readonly point?: NetworkCheckpoint;
}

export type NetworkPlan =
  /** In force, and known to be so. */
  | { readonly kind: "settled" }
  /** Seen in force already: write them down, nothing to try. */
  | { readonly kind: "commit" }
  | TrialPlan<NetworkTrial>;

/** What is known when a change is asked for. */
export interface NetworkFacts {
  readonly digest: string;
  /** What is seen agrees with what is wanted. */
  readonly agrees: boolean;
  /** Seeing is knowing: nothing wanted is hidden from view. */
  readonly hidesNothing: boolean;
  /** Since when there has been no session; absent: there is one. */
  readonly offlineSinceMs?: number;
  /** A device that is offline tries again after this, whatever the back-off says: it has little to lose. */
  readonly offlineRetryMs: number;
  readonly nowMs: number;
}

/** What asking for settings comes to, between two trials. */
export function planNetworkChange({ committed, failure }: Settled<CommittedNetwork, NetworkTrial>, facts: NetworkFacts): NetworkPlan {
  const { digest, nowMs } = facts;
  if (facts.agrees && committed.digest === digest) return { kind: "settled" };
  if (facts.agrees && facts.hidesNothing) return { kind: "commit" };
  if (failure?.wanted.digest !== digest) return planTrial<NetworkTrial>(undefined, nowMs);
  return planTrial(failure, nowMs, retryAtMs(failure, facts));
}

function retryAtMs({ notBeforeMs, failedMs }: TrialFailure<NetworkTrial>, { offlineSinceMs, offlineRetryMs }: NetworkFacts): number {
  if (offlineSinceMs === undefined) return notBeforeMs;
  return Math.min(notBeforeMs, Math.max(failedMs, offlineSinceMs) + offlineRetryMs);
}

/** The proxy to go through in a state; `undefined`: the configured one, `null`: none. */
export function proxyOf(state: NetworkChangeState): string | null | undefined {
  return state.kind === "trying" && state.wanted.proxy !== undefined ? state.wanted.proxy : state.committed.proxy;
}

const ProxySchema = v.optional(v.nullable(v.pipe(v.string(), v.maxLength(512))));

/** The stored form. */
const NetworkDocumentSchema = v.object({
  /** Makes the digests useless to whoever has a list of passwords and not this disk. */
  salt: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  /** Digest of the configured proxy when this was written. A configuration that says otherwise now wins. */
  configured: Sha256Schema,
  committed: v.object({ digest: v.optional(Sha256Schema), proxy: ProxySchema }),
  unkept: v.optional(JsonObjectSchema),
  /** Present while settings are being tried, and after they failed. */
  tried: v.optional(v.object({ digest: Sha256Schema, proxy: ProxySchema, point: v.optional(JsonObjectSchema), ...TRIED_ENTRIES })),
});
export type NetworkDocument = v.InferOutput<typeof NetworkDocumentSchema>;

export function readNetworkDocument(stored: JsonObject | undefined): NetworkDocument | undefined {
  const parsed = v.safeParse(NetworkDocumentSchema, stored);
  return parsed.success ? parsed.output : undefined;
}

const WORDS: { readonly interrupted: Issue; readonly otherwise: Issue } = {
  interrupted: { code: "network.change-interrupted", message: "the agent or the device stopped while the new network settings were being tried" },
  otherwise: { code: "network.change-failed", message: "no cloud welcomed the device over the new network settings" },
};

/** The state after a start, from what is on disk. `configured`: digest of the proxy that the configuration names now. */
export function networkAfterStart(stored: NetworkDocument | undefined, configured: string, nowMs: number, pauseMs: (failures: number) => number): NetworkChangeState {
  if (stored === undefined) return { kind: "settled", committed: {} };
  const { committed: { digest, proxy }, tried, unkept } = stored;
  const proxyHolds = stored.configured === configured && proxy !== undefined;
  const committed: CommittedNetwork = {
    ...(digest === undefined ? {} : { digest }),
    ...(proxyHolds ? { proxy } : {}),
    ...(unkept === undefined ? {} : { unkept }),
  };
  // Not the proxy that was tried: it is not in force any more.
  const wanted: NetworkTrial | undefined = tried && { digest: tried.digest, ...(tried.point === undefined ? {} : { point: tried.point }) };
  return trialAfterStart(committed, tried && wanted && { wanted, tried }, WORDS, nowMs, pauseMs);
}

/** What to put on disk for a state. What failed is named by its digest alone. */
export function networkDocumentOf(state: NetworkChangeState, base: { readonly salt: string; readonly configured: string }): JsonObject {
  const { unkept, ...committed } = state.committed;
  const stored = triedOf(state);
  return {
    ...base,
    committed,
    ...(unkept === undefined ? {} : { unkept }),
    ...(stored && { tried: { ...(state.kind === "settled" ? { digest: stored.wanted.digest } : stored.wanted), ...stored.tried } }),
  };
}
