import * as v from "valibot";
import type { Clock } from "../../platform/ports/clock.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import { schemaIssueWords } from "../../platform/runtime/schema-issue.ts";
import { TokenBucket } from "../../platform/runtime/token-bucket.ts";
import { PageCallSchema, type PageCall } from "./page-calls.ts";

/** Refusal codes of the page API; published in `docs/page-api.md`. */
export type PageRefusal = "page.rate-limited" | "page.too-large" | "page.invalid" | "page.not-granted" | "page.unavailable" | "page.lost";

export type GateVerdict =
  | { readonly kind: "call"; readonly call: PageCall }
  /** `id` is present when the page can be answered; calls of a flood are not answered one by one. */
  | { readonly kind: "refused"; readonly code: PageRefusal; readonly message: string; readonly id?: number };

export const CALLS_PER_SECOND = 50;
export const CALLS_BURST = 200;
export const CALL_BYTES_MAX = 8 * 1024;
export const STATE_BYTES_MAX = 4 * 1024;
/** Maximum nesting: deeper than any honest document, but far from exhausting the stack. */
export const DEPTH_MAX = 32;
/** Refusal codes that the page's side may report counts for. */
const COUNTED: readonly string[] = ["page.rate-limited", "page.too-large", "page.invalid"];

/**
 * Validates every call of a page and trusts none of it: checks size before parsing, rate before
 * schema, schema before grants. Refusals are cheap and counted.
 */
export class PageGate {
  readonly #calls: TokenBucket;
  #grants: readonly string[] = [];
  readonly #counts = new Map<PageRefusal, number>();

  constructor(clock: Clock) {
    this.#calls = new TokenBucket(clock, { burst: CALLS_BURST, perSecond: CALLS_PER_SECOND });
  }

  /** Sets the grants of the content on the stage. */
  setGrants(grants: readonly string[]): void {
    this.#grants = grants;
  }

  get grants(): readonly string[] {
    return this.#grants;
  }

  granted(grant: string): boolean {
    return this.#grants.includes(grant);
  }

  take(text: string): GateVerdict {
    if (!this.#calls.take()) return this.#refuse("page.rate-limited", "too many calls");
    // UTF-8 never has fewer bytes than UTF-16 has units, so the cheap check comes first.
    if (text.length > CALL_BYTES_MAX || byteLength(text) > CALL_BYTES_MAX) return this.#refuse("page.too-large", `a call has at most ${CALL_BYTES_MAX} bytes`);
    if (tooDeep(text)) return this.#refuse("page.invalid", `nested more than ${DEPTH_MAX} deep`);
    const parsed = v.safeParse(PageCallSchema, parseJson(text));
    if (!parsed.success) return this.#invalid(text, parsed.issues[0]);
    return this.#check(parsed.output);
  }

  /** Returns and resets the number of refusals by code, for the cloud. */
  takeCounts(): ReadonlyMap<PageRefusal, number> {
    const counts = new Map(this.#counts);
    this.#counts.clear();
    return counts;
  }

  /** Counts a refusal that was decided behind the gate. */
  count(code: PageRefusal, by = 1): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + by);
  }

  #check(call: PageCall): GateVerdict {
    if (call.do === "watch-gpio" && !this.granted("gpio")) return this.#refuse("page.not-granted", "this content has no grant for gpio", call.id);
    if (call.do === "report-state" && byteLength(JSON.stringify(call.state)) > STATE_BYTES_MAX) {
      return this.#refuse("page.too-large", `a state has at most ${STATE_BYTES_MAX} bytes`, call.id);
    }
    if (call.do === "refused") {
      for (const [code, count] of Object.entries(call.counts)) if (COUNTED.includes(code)) this.count(code as PageRefusal, count);
    }
    return { kind: "call", call };
  }

  #invalid(text: string, issue: v.BaseIssue<unknown> | undefined): GateVerdict {
    const where = issue === undefined ? "" : `${v.getDotPath(issue) ?? "call"}: ${schemaIssueWords(issue).message}`;
    const id = (parseJson(text) as { id?: unknown } | null | undefined)?.id;
    return this.#refuse("page.invalid", where.slice(0, 300), typeof id === "number" && Number.isSafeInteger(id) ? id : undefined);
  }

  #refuse(code: PageRefusal, message: string, id?: number): GateVerdict {
    this.count(code);
    return { kind: "refused", code, message, ...(id === undefined ? {} : { id }) };
  }
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** Counts brackets outside strings, without parsing. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === "\\") i += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") {
      depth += 1;
      if (depth > DEPTH_MAX) return true;
    } else if (character === "}" || character === "]") depth -= 1;
  }
  return false;
}
