import fc from "fast-check";
import { expect, test } from "vitest";
import { SseParser } from "./sse-parser.ts";

const STREAM = "retry: 1000\n\nevent: hello\ndata: {\"a\":1}\n\n: heartbeat\n\ndata: one\r\ndata:two\r\n\r\nevent: empty\n\n";
const EVENTS = [{ event: "hello", data: '{"a":1}' }, { event: "message", data: "one\ntwo" }];

test("events are the same however the stream is split", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
      const parser = new SseParser();
      const places = [0, ...cuts.sort((left, right) => left - right), STREAM.length];
      const found = places.slice(1).flatMap((to, index) => parser.push(STREAM.slice(places[index], to)));
      expect(found).toEqual(EVENTS);
    }),
  );
});

test("a line that never ends is refused", () => {
  const parser = new SseParser();
  expect(() => {
    for (let piece = 0; piece < 20; piece += 1) parser.push("x".repeat(1024 * 1024));
  }).toThrow(RangeError);
});

test("an event that never ends is refused, with long or with empty data lines", () => {
  for (const line of [`data: ${"x".repeat(1024 * 1024)}\n`, "data\n".repeat(1_000)]) {
    const parser = new SseParser();
    expect(() => {
      for (let sent = 0; sent < 20; sent += 1) parser.push(line);
    }).toThrow(RangeError);
  }
});

test("a piece of many events may be longer than one event", () => {
  const event = `data: ${"x".repeat(1024 * 1024)}\n\n`;
  expect(new SseParser().push(event.repeat(9))).toHaveLength(9);
});
