import * as v from "valibot";
import { JsonObjectSchema, Sha256Schema } from "../../protocol/values.ts";
import type { NetworkCheckpoint } from "../../../platform/ports/network-settings.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { planTrial, trialAfterStart, triedOf, TRIED_ENTRIES, type Settled, type TrialFailure, type TrialPlan, type TrialState } from "../cloud/trial.ts";
import type { Issue } from "../../../platform/ports/result.ts";

/** Which network settings are in force or on trial. Settings are identified by a digest, so that no Wi-Fi password is stored. */
export type NetworkChangeState = TrialState<CommittedNetwork, NetworkTrial>;

export interface CommittedNetwork {
  /** Digest of the settings confirmed last; absent: the cloud never set any, or the owner that did released the device. */
  readonly digest?: string;
  /** Their proxy. `null`: none; absent: the configured one. */
  readonly proxy?: string | null;
  /** Present while the settings are confirmed but the machine has not yet been made to keep them. */
  readonly unkept?: NetworkCheckpoint;
}

export interface NetworkTrial {
  readonly digest: string;
  readonly proxy?: string | null;
  /** What to restore on failure; absent: no settings of the machine are changed. */
  readonly point?: NetworkCheckpoint;
  /** The committed settings, with replaced files of a certificate: `digest` is of those files. */
  readonly renewal?: boolean;
}

export type NetworkPlan =
  /** Known to be in force. */
  | { readonly kind: "settled" }
  /** Observed to be in force: commit without a trial. */
  | { readonly kind: "commit" }
  | TrialPlan<NetworkTrial>;

/** Facts for `planNetworkChange`. */
export interface NetworkFacts {
  readonly digest: string;
  /** The observed settings agree with the wanted ones. */
  readonly agrees: boolean;
  /** The wanted settings contain no secret, so observation alone proves that they are in force. */
  readonly hidesNothing: boolean;
  /** When the link went offline; absent: online. */
  readonly offlineSinceMs?: number;
  /** An offline device retries after this even if the back-off is longer, because it has little to lose. */
  readonly offlineRetryMs: number;
  readonly nowMs: number;
}

/** What to do about wanted settings when no trial is under way. */
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

/** The proxy to use in a state; `undefined`: the configured one, `null`: none. */
export function proxyOf(state: NetworkChangeState): string | null | undefined {
  return state.kind === "trying" && state.wanted.proxy !== undefined ? state.wanted.proxy : state.committed.proxy;
}

const ProxySchema = v.optional(v.nullable(v.pipe(v.string(), v.maxLength(512))));

const NetworkDocumentSchema = v.object({
  /** Prevents guessing passwords from a digest without this disk. */
  salt: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  /** Digest of the configured proxy when this was written. If it has changed since, the configuration wins. */
  configured: Sha256Schema,
  committed: v.object({ digest: v.optional(Sha256Schema), proxy: ProxySchema }),
  unkept: v.optional(JsonObjectSchema),
  /** Present during a trial and after it failed. */
  tried: v.optional(v.object({ digest: Sha256Schema, proxy: ProxySchema, point: v.optional(JsonObjectSchema), renewal: v.optional(v.boolean()), ...TRIED_ENTRIES })),
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

/** The state after a start. `configured`: digest of the currently configured proxy. */
export function networkAfterStart(stored: NetworkDocument | undefined, configured: string, nowMs: number, pauseMs: (failures: number) => number): NetworkChangeState {
  if (stored === undefined) return { kind: "settled", committed: {} };
  const { committed: { digest, proxy }, tried, unkept } = stored;
  const proxyHolds = stored.configured === configured && proxy !== undefined;
  const committed: CommittedNetwork = {
    ...(digest === undefined ? {} : { digest }),
    ...(proxyHolds ? { proxy } : {}),
    ...(unkept === undefined ? {} : { unkept }),
  };
  // Without the proxy on trial, which is no longer in force.
  const wanted: NetworkTrial | undefined = tried && { digest: tried.digest, ...(tried.point === undefined ? {} : { point: tried.point }), ...(tried.renewal === undefined ? {} : { renewal: tried.renewal }) };
  return trialAfterStart(committed, tried && wanted && { wanted, tried }, WORDS, nowMs, pauseMs);
}

/** The stored form of a state. Failed settings are stored by their digest only. */
export function networkDocumentOf(state: NetworkChangeState, base: { readonly salt: string; readonly configured: string }): JsonObject {
  const { unkept, ...committed } = state.committed;
  const stored = triedOf(state);
  return {
    ...base,
    committed,
    ...(unkept === undefined ? {} : { unkept }),
    ...(stored && { tried: { ...(state.kind === "settled" ? digestOnly(stored.wanted) : stored.wanted), ...stored.tried } }),
  };
}

function digestOnly({ digest, renewal }: NetworkTrial): Pick<NetworkTrial, "digest" | "renewal"> {
  return { digest, ...(renewal === undefined ? {} : { renewal }) };
}
