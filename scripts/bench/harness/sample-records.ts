import type { NewRecord } from "../../../agent/core/outbox/event-sink.ts";

/** A proof of play as a page reports it: about 110 bytes of JSON, unique by `at`. */
export function samplePlay(at: number): NewRecord {
  return { stream: "play", kind: "play", source: "bench", body: playBody(at) };
}

export function playBody(at: number): { item: string; startedMs: number; durationMs: number; result: string; verdict: string } {
  return { item: `spot-${at % 1000}`, startedMs: 1_795_000_000_000 + at * 10_000, durationMs: 10_000, result: "completed", verdict: "showing" };
}
