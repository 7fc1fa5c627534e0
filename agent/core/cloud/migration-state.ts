import * as v from "valibot";
import { CodeSchema, CountSchema, EndpointSchema, TextSchema } from "../../protocol/values.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/**
 * Which endpoints the device uses, and whether it is trying others. What is on disk always names one
 * committed list; a list that is being tried is beside it, so that a power cut at any moment leaves the
 * device with the old endpoints or, once that one write is done, with the new ones.
 */
export type MigrationState =
  | { readonly kind: "settled"; readonly committed: readonly string[]; readonly failure?: MigrationFailure }
  | {
      readonly kind: "trying";
      readonly committed: readonly string[];
      readonly wanted: readonly string[];
      readonly failures: number;
      readonly deadlineMs: number;
    };

/** The last list that was tried in vain. */
export interface MigrationFailure {
  readonly endpoints: readonly string[];
  readonly error: Issue;
  /** How often in a row. */
  readonly failures: number;
  /** Not tried again before this monotonic time: a wrong address must not take the device off its cloud for most of the time. */
  readonly notBeforeMs: number;
}

/** What asking for `endpoints` comes to. */
export type MigrationPlan =
  /** They are in force. */
  | { readonly kind: "settled" }
  /** The session under way proves them already: write them down, no need to leave. */
  | { readonly kind: "commit" }
  | { readonly kind: "try"; readonly failures: number }
  /** They are being tried. */
  | { readonly kind: "join" }
  /** Others are being tried. */
  | { readonly kind: "busy" }
  /** They failed lately. */
  | { readonly kind: "failed"; readonly failure: MigrationFailure };

/** `onlineAt`: endpoint of the session under way, if there is one. */
export function planMigration(state: MigrationState, wanted: readonly string[], onlineAt: string | undefined, nowMs: number): MigrationPlan {
  if (state.kind === "trying") return { kind: sameList(state.wanted, wanted) ? "join" : "busy" };
  if (sameList(state.committed, wanted)) return { kind: "settled" };
  if (onlineAt !== undefined && wanted.includes(onlineAt)) return { kind: "commit" };
  const failure = state.failure !== undefined && sameList(state.failure.endpoints, wanted) ? state.failure : undefined;
  if (failure !== undefined && nowMs < failure.notBeforeMs) return { kind: "failed", failure };
  return { kind: "try", failures: failure?.failures ?? 0 };
}

const ListSchema = v.pipe(v.array(EndpointSchema), v.minLength(1), v.maxLength(8));

/** The stored form. */
const MigrationDocumentSchema = v.object({
  committed: ListSchema,
  /** What the configuration said when this was written. A configuration that says otherwise now wins. */
  configured: v.array(v.string()),
  /** Present while a list is being tried, and after it failed. `open`: it was being tried when this was written. */
  tried: v.optional(
    v.object({ endpoints: ListSchema, failures: CountSchema, open: v.boolean(), code: v.optional(CodeSchema), message: v.optional(TextSchema) }),
  ),
});
export type MigrationDocument = v.InferOutput<typeof MigrationDocumentSchema>;

/** The state after a start, from what is on disk; a trial that the end of the last run cut short has failed. */
export function migrationAfterStart(
  stored: JsonObject | undefined,
  configured: readonly string[],
  notBeforeMs: (failures: number) => number,
): MigrationState {
  const parsed = v.safeParse(MigrationDocumentSchema, stored);
  if (!parsed.success || !sameList(parsed.output.configured, configured)) return { kind: "settled", committed: configured };
  const { committed, tried } = parsed.output;
  if (tried === undefined) return { kind: "settled", committed };
  const failures = tried.open ? tried.failures + 1 : tried.failures;
  const error: Issue = tried.open
    ? { code: "cloud.migration-interrupted", message: "the agent or the device stopped while the new endpoints were being tried" }
    : { code: tried.code ?? "cloud.migration-failed", message: tried.message ?? "the new endpoints did not welcome the device" };
  return { kind: "settled", committed, failure: { endpoints: tried.endpoints, error, failures, notBeforeMs: notBeforeMs(failures) } };
}

/** What to put on disk for a state. */
export function documentOf(state: MigrationState, configured: readonly string[]): JsonObject {
  const base = { committed: [...state.committed], configured: [...configured] };
  if (state.kind === "trying") return { ...base, tried: { endpoints: [...state.wanted], failures: state.failures, open: true } };
  if (state.failure === undefined) return base;
  const { endpoints, failures, error } = state.failure;
  return { ...base, tried: { endpoints: [...endpoints], failures, open: false, code: error.code, message: error.message.slice(0, 1000) } };
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
