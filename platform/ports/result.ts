import type { Code } from "./codes.ts";

/**
 * Expected failures are values; bugs throw. Every expected failure is an `Issue`,
 * so that log lines, protocol answers and CLI messages all say the same: what, where, and what to do.
 */

/** A failure that is expected to happen in the field, with a stable machine-readable code. */
export interface Issue {
  /** Stable, lower-case, dotted: `config.unknown-key`, `display.no-answer`. Never reworded; all are listed in `codes.ts`. */
  readonly code: Code;
  /** One human-readable sentence: what happened, and to what. */
  readonly message: string;
  /** What the reader can do about it, if anything. */
  readonly hint?: string;
}

/** A failure from outside: a cloud, a player host, a file of another version. Its code can be any string. */
export interface WireIssue {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export type Result<T, E = Issue> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** Shorthand for `err({ code, message, hint })`. */
export function fail(code: Code, message: string, hint?: string): { readonly ok: false; readonly error: Issue } {
  return { ok: false, error: hint === undefined ? { code, message } : { code, message, hint } };
}

/** A code chosen elsewhere (by a cloud, a player host or a stored document), passed on unchanged. */
export function foreignCode(text: string): Code {
  return text as Code;
}

/** The message of any thrown value, for the `message` of an `Issue` or a log field. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The stack of any thrown value, for a log field about a bug. */
export function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
