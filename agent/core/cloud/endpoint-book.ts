import type { Random } from "../../../platform/ports/random.ts";
import { retryDelayMs } from "../../../platform/runtime/retry-schedule.ts";
import type { LinkPolicy } from "./link-policy.ts";

/** State of one endpoint. Times are monotonic. */
export interface EndpointRecord {
  readonly url: string;
  /** Attempts and sessions since the last stable session that the network or an unresponsive server ended. */
  readonly failures: number;
  /** Refusals since the last stable session. */
  readonly refusals: number;
  /** Not tried before this time. */
  readonly notBeforeMs: number;
}

/** Endpoints, preferred first. Each has its own retry schedule, so that one that is down does not slow the others. */
export type EndpointBook = readonly EndpointRecord[];

/** Builds a book. Endpoints already in `before` keep their schedules: changing the list back and forth must not hammer a server. */
export function bookOf(urls: readonly string[], before: EndpointBook = []): EndpointBook {
  return [...new Set(urls)].map((url) => before.find((record) => record.url === url) ?? { url, failures: 0, refusals: 0, notBeforeMs: 0 });
}

/** The endpoint to try at `nowMs`, or when to ask again; `undefined` without endpoints. */
export function chooseEndpoint(book: EndpointBook, nowMs: number): { readonly url: string } | { readonly untilMs: number } | undefined {
  const due = book.find((record) => record.notBeforeMs <= nowMs);
  if (due !== undefined) return { url: due.url };
  if (book.length === 0) return undefined;
  return { untilMs: Math.min(...book.map((record) => record.notBeforeMs)) };
}

export function noteFailure(book: EndpointBook, url: string, nowMs: number, policy: LinkPolicy, random: Random): EndpointBook {
  return change(book, url, (record) => ({
    ...record,
    failures: record.failures + 1,
    notBeforeMs: Math.max(record.notBeforeMs, nowMs + retryDelayMs(policy.failure, record.failures, random)),
  }));
}

export function noteRefusal(book: EndpointBook, url: string, nowMs: number, policy: LinkPolicy, random: Random): EndpointBook {
  return change(book, url, (record) => ({
    ...record,
    refusals: record.refusals + 1,
    notBeforeMs: Math.max(record.notBeforeMs, nowMs + retryDelayMs(policy.refusal, record.refusals, random)),
  }));
}

/** Replaces the time before which the endpoint is not tried. */
export function noteTime(book: EndpointBook, url: string, notBeforeMs: number): EndpointBook {
  return change(book, url, (record) => ({ ...record, notBeforeMs }));
}

export function noteStable(book: EndpointBook, url: string): EndpointBook {
  return change(book, url, (record) => ({ ...record, failures: 0, refusals: 0, notBeforeMs: 0 }));
}

function change(book: EndpointBook, url: string, next: (record: EndpointRecord) => EndpointRecord): EndpointBook {
  return book.map((record) => (record.url === url ? next(record) : record));
}
