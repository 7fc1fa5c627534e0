import * as v from "valibot";
import { CodeSchema, CountSchema, JsonObjectSchema, Sha256Schema, TextSchema } from "../../protocol/values.ts";
import type { NetworkCheckpoint } from "../../../platform/ports/network-settings.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/**
 * Which network settings the device goes by, and whether it is trying others. What is on disk names the way back before
 * anything is changed, and the new settings only once a cloud welcomed the device over them: whatever ends the agent in
 * between, the next start goes back. Settings are named by a digest, so that no password is written down here.
 */
export type NetworkChangeState =
  | {
      readonly kind: "settled";
      readonly committed: CommittedNetwork;
      readonly failure?: NetworkFailure;
      /** Confirmed, and the machine was not told yet that they stay. */
      readonly unkept?: NetworkCheckpoint;
    }
  | { readonly kind: "trying"; readonly committed: CommittedNetwork; readonly trial: NetworkTrial }
  /** The trial is lost; the old settings are not back yet. On disk the same as `trying`. */
  | { readonly kind: "reverting"; readonly committed: CommittedNetwork; readonly trial: NetworkTrial; readonly error: Issue };

export interface CommittedNetwork {
  /** Of the settings that were confirmed last; absent: none were ever set by the cloud. */
  readonly digest?: string;
  /** The proxy they hold. `null`: none; absent: the configured one. */
  readonly proxy?: string | null;
}

export interface NetworkTrial {
  readonly digest: string;
  readonly proxy?: string | null;
  /** The way back; absent: nothing of the machine's own is changed. */
  readonly point?: NetworkCheckpoint;
  /** Of the same settings, in a row, before this one. */
  readonly failures: number;
}

/** The last settings that were tried in vain. */
export interface NetworkFailure {
  readonly digest: string;
  readonly error: Issue;
  /** How often in a row. */
  readonly failures: number;
  /** When that was found out, monotonic. */
  readonly failedMs: number;
  /** Not tried again before this monotonic time: a wrong password must not take the device off its network again and again. */
  readonly notBeforeMs: number;
}

export type NetworkPlan =
  /** In force, and known to be so. */
  | { readonly kind: "settled" }
  /** Seen in force already: write them down, nothing to try. */
  | { readonly kind: "commit" }
  | { readonly kind: "try"; readonly failures: number }
  | { readonly kind: "failed"; readonly failure: NetworkFailure };

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
export function planNetworkChange({ committed, failure }: Extract<NetworkChangeState, { kind: "settled" }>, facts: NetworkFacts): NetworkPlan {
  const { digest, nowMs } = facts;
  if (facts.agrees && committed.digest === digest) return { kind: "settled" };
  if (facts.agrees && facts.hidesNothing) return { kind: "commit" };
  if (failure?.digest !== digest) return { kind: "try", failures: 0 };
  return nowMs < retryAtMs(failure, facts) ? { kind: "failed", failure } : { kind: "try", failures: failure.failures };
}

function retryAtMs({ notBeforeMs, failedMs }: NetworkFailure, { offlineSinceMs, offlineRetryMs }: NetworkFacts): number {
  if (offlineSinceMs === undefined) return notBeforeMs;
  return Math.min(notBeforeMs, Math.max(failedMs, offlineSinceMs) + offlineRetryMs);
}

/** The proxy to go through in a state; `undefined`: the configured one, `null`: none. */
export function proxyOf(state: NetworkChangeState): string | null | undefined {
  return state.kind === "trying" && state.trial.proxy !== undefined ? state.trial.proxy : state.committed.proxy;
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
  /** Present while settings are being tried, and after they failed. `open`: they were being tried when this was written. */
  tried: v.optional(
    v.object({
      digest: Sha256Schema,
      proxy: ProxySchema,
      point: v.optional(JsonObjectSchema),
      failures: CountSchema,
      open: v.boolean(),
      code: v.optional(CodeSchema),
      message: v.optional(TextSchema),
    }),
  ),
});
export type NetworkDocument = v.InferOutput<typeof NetworkDocumentSchema>;

export function readNetworkDocument(stored: JsonObject | undefined): NetworkDocument | undefined {
  const parsed = v.safeParse(NetworkDocumentSchema, stored);
  return parsed.success ? parsed.output : undefined;
}

/**
 * The state after a start. A trial that the end of the last run cut short is lost: how much of its time is left cannot be
 * known after a power cut, and the old settings are the ones that were proved.
 */
export function networkAfterStart(stored: NetworkDocument | undefined, configured: string, nowMs: number, delayMs: (failures: number) => number): NetworkChangeState {
  if (stored === undefined) return { kind: "settled", committed: {} };
  const { digest, proxy } = stored.committed;
  const proxyHolds = stored.configured === configured && proxy !== undefined;
  const committed: CommittedNetwork = { ...(digest === undefined ? {} : { digest }), ...(proxyHolds ? { proxy } : {}) };
  const { tried, unkept } = stored;
  if (tried?.open === true) {
    const error: Issue = { code: "network.change-interrupted", message: "the agent or the device stopped while the new network settings were being tried" };
    const trial: NetworkTrial = { digest: tried.digest, failures: tried.failures, ...(tried.point === undefined ? {} : { point: tried.point }) };
    return { kind: "reverting", committed, trial, error };
  }
  const failure: NetworkFailure | undefined = tried && {
    digest: tried.digest,
    error: { code: tried.code ?? "network.change-failed", message: tried.message ?? "no cloud welcomed the device over the new network settings" },
    failures: tried.failures,
    failedMs: nowMs,
    notBeforeMs: nowMs + delayMs(tried.failures),
  };
  return { kind: "settled", committed, ...(failure === undefined ? {} : { failure }), ...(unkept === undefined ? {} : { unkept }) };
}

/** What to put on disk for a state. */
export function networkDocumentOf(state: NetworkChangeState, base: { readonly salt: string; readonly configured: string }): JsonObject {
  const committed = { ...base, committed: { ...state.committed } };
  if (state.kind !== "settled") return { ...committed, tried: { ...state.trial, open: true } };
  const { failure, unkept } = state;
  return {
    ...committed,
    ...(unkept === undefined ? {} : { unkept }),
    ...(failure === undefined
      ? {}
      : { tried: { digest: failure.digest, failures: failure.failures, open: false, code: failure.error.code, message: failure.error.message.slice(0, 1000) } }),
  };
}
