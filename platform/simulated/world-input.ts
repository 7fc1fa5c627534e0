import * as v from "valibot";
import { schemaIssueWords } from "../runtime/schema-issue.ts";
import { fail, messageOf, ok, type Result } from "../ports/result.ts";

/** Describes an error in untrusted input in one sentence. */
export function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  const { message } = schemaIssueWords(issue);
  return path === null ? message : `${path}: ${message}`;
}

/** Calls a hook of the host. What it throws becomes an error; a missing hook is `simulated.not-wired`. */
export function runHook(what: string, hook: (() => void) | undefined): Result<void> {
  if (hook === undefined) return fail("simulated.not-wired", `the host of this device cannot ${what}`);
  try {
    hook();
    return ok(undefined);
  } catch (thrown) {
    return fail("simulated.hook-failed", `could not ${what}: ${messageOf(thrown)}`);
  }
}
