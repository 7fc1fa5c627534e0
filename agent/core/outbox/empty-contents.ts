import { STREAMS, type Stream } from "../../protocol/records.ts";
import type { OutboxContents, StreamContents } from "./outbox-store.ts";

export function perStream<T>(make: (stream: Stream) => T): Record<Stream, T> {
  return Object.fromEntries(STREAMS.map((stream) => [stream, make(stream)])) as Record<Stream, T>;
}

/** Contents of a new store. */
export function emptyContents(log: string): OutboxContents {
  return { log, streams: perStream((): StreamContents => ({ stored: 0, oldest: 1, newest: 0 })), segments: [], gaps: [], keys: [] };
}
