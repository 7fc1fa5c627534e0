import type { Random } from "../../../platform/ports/random.ts";
import { retryDelayMs } from "../../../platform/runtime/retry-schedule.ts";
import type { LinkPolicy } from "./link-policy.ts";

/** What is known of one endpoint. Times are monotonic. */
export interface EndpointRecord {
  readonly url: string;
  /** Attempts and unstable sessions in a row that the network or a silent server ended. */
  readonly failures: number;
  /** Refusals in a row. */
  readonly refusals: number;
  /** Not tried before this time. */
  readonly notBeforeMs: number;
}

/** The endpoints, preferred first, each with a schedule of its own: one that is down does not slow the others. */
export type EndpointBook = readonly EndpointRecord[];

/** Endpoints that stay keep their schedules, so that changing the list back and forth cannot hammer a server. */
export function bookOf(urls: readonly string[], before: EndpointBook = []): EndpointBook {
  return [...new Set(urls)].map((url) => before.find((record) => record.url === url) ?? { url, failures: 0, refusals: 0, notBeforeMs: 0 });
}

/** The endpoint to try at `nowMs`, or when to ask again; `undefined` when there is no endpoint at all. */
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

/** Somebody who knows better said when this one may be tried. */
export function noteTime(book: EndpointBook, url: string, notBeforeMs: number): EndpointBook {
  return change(book, url, (record) => ({ ...record, notBeforeMs }));
}

export function noteStable(book: EndpointBook, url: string): EndpointBook {
  return change(book, url, (record) => ({ ...record, failures: 0, refusals: 0, notBeforeMs: 0 }));
}

function change(book: EndpointBook, url: string, next: (record: EndpointRecord) => EndpointRecord): EndpointBook {
  return book.map((record) => (record.url === url ? next(record) : record));
}
