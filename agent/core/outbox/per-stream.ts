import { STREAMS, type Stream } from "../../protocol/records.ts";

export function perStream<T>(make: (stream: Stream) => T): Record<Stream, T> {
  return Object.fromEntries(STREAMS.map((stream) => [stream, make(stream)])) as Record<Stream, T>;
}
