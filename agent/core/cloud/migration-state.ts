import * as v from "valibot";
import { EndpointSchema } from "../../protocol/values.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { planTrial, stepTrial, trialAfterStart, triedOf, TRIED_ENTRIES, type Settled, type TrialPlan, type TrialState } from "./trial.ts";
import type { Issue } from "../../../platform/ports/result.ts";

/** Addresses, preferred first. */
export type Endpoints = readonly string[];
export type MigrationState = TrialState<Endpoints, Endpoints>;

/** What to do about wanted endpoints when no trial is under way. */
export type MigrationPlan =
  /** They are already committed. */
  | { readonly kind: "settled" }
  /** The current session already proves them: commit without a trial. */
  | { readonly kind: "commit" }
  | TrialPlan<Endpoints>;

/** `onlineAt`: endpoint of the current session, if any. */
export function planMigration({ committed, failure }: Settled<Endpoints, Endpoints>, wanted: Endpoints, onlineAt: string | undefined, nowMs: number): MigrationPlan {
  if (sameList(committed, wanted)) return { kind: "settled" };
  if (onlineAt !== undefined && wanted.includes(onlineAt)) return { kind: "commit" };
  return planTrial(failure !== undefined && sameList(failure.wanted, wanted) ? failure : undefined, nowMs);
}

const ListSchema = v.pipe(v.array(EndpointSchema), v.minLength(1), v.maxLength(8));

const MigrationDocumentSchema = v.object({
  committed: ListSchema,
  /** The configured endpoints when this was written. If they have changed since, the configuration wins. */
  configured: v.array(v.string()),
  /** Present during a trial and after it failed. */
  tried: v.optional(v.object({ endpoints: ListSchema, ...TRIED_ENTRIES })),
});

const WORDS: { readonly interrupted: Issue; readonly otherwise: Issue } = {
  interrupted: { code: "cloud.migration-interrupted", message: "the agent or the device stopped while the new endpoints were being tried" },
  otherwise: { code: "cloud.migration-failed", message: "the new endpoints did not welcome the device" },
};

/** The state after a start. Nothing dials yet, so an interrupted trial counts as undone. */
export function migrationAfterStart(stored: JsonObject | undefined, configured: Endpoints, nowMs: number, pauseMs: (failures: number) => number): Settled<Endpoints, Endpoints> {
  const parsed = v.safeParse(MigrationDocumentSchema, stored);
  if (!parsed.success || !sameList(parsed.output.configured, configured)) return { kind: "settled", committed: configured };
  const { committed, tried } = parsed.output;
  const found = trialAfterStart<Endpoints, Endpoints>(committed, tried && { wanted: tried.endpoints, tried }, WORDS, nowMs, pauseMs);
  const state = found.kind === "reverting" ? stepTrial(found, { kind: "undone", nowMs, pauseMs: pauseMs(found.failures + 1) }).state : found;
  if (state.kind !== "settled") throw new Error(`a migration is ${state.kind} after a start`);
  return state;
}

export function documentOf(state: MigrationState, configured: Endpoints): JsonObject {
  const stored = triedOf(state);
  return {
    committed: [...state.committed],
    configured: [...configured],
    ...(stored && { tried: { endpoints: [...stored.wanted], ...stored.tried } }),
  };
}

export function sameList(a: Endpoints, b: Endpoints): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
