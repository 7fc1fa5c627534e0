import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { EventClient } from "./event-client.ts";
import { RecordThrottle } from "./record-throttle.ts";

/** The part of a response that a client uses. `writableLength`: bytes the socket has not taken yet. */
class SlowResponse extends EventEmitter {
  writableLength = 0;
  readonly written: string[] = [];

  write(text: string): boolean {
    this.written.push(text);
    this.writableLength += text.length;
    return this.writableLength < 1_000;
  }

  drain(): void {
    this.writableLength = 0;
    this.emit("drain");
  }
}

function client(): { readonly response: SlowResponse; readonly events: EventClient } {
  const response = new SlowResponse();
  const filter = { device: "a", types: new Set(["command"]), screens: "all" } as const;
  return { response, events: new EventClient(response as unknown as ServerResponse, filter) };
}

describe("a client of the event stream", () => {
  test("gets only the events it asked for", () => {
    const { events } = client();
    expect([events.wants("command", "a"), events.wants("command", "b"), events.wants("record", "a")]).toEqual([true, false, false]);
  });

  test("that does not read has a limited queue, and learns how many events it missed once it reads again", () => {
    const { response, events } = client();
    response.writableLength = 300 * 1024;
    for (let at = 0; at < 1_500; at += 1) events.send("command", { at });
    expect(response.written).toEqual([]);
    response.drain();
    expect(response.written).toHaveLength(1_001);
    expect(response.written[999]).toBe('event: command\ndata: {"at":999}\n\n');
    expect(response.written[1_000]).toBe('event: overflow\ndata: {"dropped":500}\n\n');
    events.send("command", { at: "after" });
    expect(response.written.at(-1)).toContain("after");
  });

  test("has a queue limited in bytes, too", () => {
    const { response, events } = client();
    response.writableLength = 300 * 1024;
    for (let at = 0; at < 10; at += 1) events.send("command", { pad: "x".repeat(1024 * 1024) });
    response.drain();
    expect(response.written).toHaveLength(3);
    response.drain();
    expect(response.written.at(-1)).toContain('"dropped":7');
  });

  test("has its queue measured in bytes, not in characters", () => {
    const { response, events } = client();
    response.writableLength = 300 * 1024;
    for (let at = 0; at < 3; at += 1) events.send("command", { pad: "\u00e4".repeat(1024 * 1024) });
    response.drain();
    response.drain();
    expect(response.written.at(-1)).toContain('"dropped":2');
  });
});

test("records beyond the rate limit are skipped, and their number comes with the next ones sent", () => {
  const throttle = new RecordThrottle();
  expect(throttle.take("a", 150, 0)).toEqual({ allowed: 150, skipped: 0 });
  expect(throttle.take("a", 150, 10)).toEqual({ allowed: 50, skipped: 100 });
  expect(throttle.take("a", 30, 20)).toEqual({ allowed: 0, skipped: 0 });
  expect(throttle.take("b", 5, 20)).toEqual({ allowed: 5, skipped: 0 });
  expect(throttle.take("a", 1, 1_000)).toEqual({ allowed: 1, skipped: 30 });
});
