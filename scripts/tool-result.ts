import type { Result as AnyResult, WireIssue } from "../platform/ports/result.ts";

/**
 * Failures of the development cloud and the tools: the shape of every other failure, under codes of their own. The table
 * in `platform/ports/codes.ts` has what a device says.
 */
export { err, messageOf, ok } from "../platform/ports/result.ts";
export type Issue = WireIssue;
export type Result<T, E = Issue> = AnyResult<T, E>;

/** `fail` of `platform/ports/result.ts` for any code. */
export function fail(code: string, message: string, hint?: string): { readonly ok: false; readonly error: Issue } {
  return { ok: false, error: hint === undefined ? { code, message } : { code, message, hint } };
}
