import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentReader, encodeMessage, splitMessages } from "./wayland-wire.ts";

test("a message is encoded as Wayland documents it", () => {
  // wl_registry.bind(name 7, "ab", version 1, new id 3) on object 2: strings have their length with the final zero, padded to words.
  expect([...encodeMessage(2, 0, [7, "ab", 1, 3])]).toEqual([2, 0, 0, 0, 0, 0, 28, 0, 7, 0, 0, 0, 3, 0, 0, 0, 97, 98, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]);
});

test("messages survive being cut anywhere", () => {
  const argument = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.string({ maxLength: 30 }).filter((text) => !text.includes("\0")));
  const message = fc.record({ object: fc.nat(), opcode: fc.nat(20), args: fc.array(argument, { maxLength: 6 }) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.nat(400), (sent, cut) => {
      const stream = Buffer.concat(sent.map(({ object, opcode, args }) => encodeMessage(object, opcode, args)));
      const first = splitMessages(stream.subarray(0, cut));
      const second = first && splitMessages(Buffer.concat([first.rest, stream.subarray(cut)]));
      const received = [...(first?.messages ?? []), ...(second?.messages ?? [])];
      expect(second?.rest).toHaveLength(0);
      expect(received.map(({ object, opcode }) => ({ object, opcode }))).toEqual(sent.map(({ object, opcode }) => ({ object, opcode })));
      for (const [index, { body }] of received.entries()) {
        const reader = new ArgumentReader(body);
        expect((sent[index]?.args ?? []).map((each) => (typeof each === "string" ? reader.string() : reader.int()))).toEqual(sent[index]?.args);
      }
    }),
  );
});

test("bytes that are no Wayland are recognised by their impossible sizes", () => {
  expect(splitMessages(Buffer.from("HTTP/1.1 400 Bad Request\r\n"))).toBeUndefined();
  expect(splitMessages(new Uint8Array(16))).toBeUndefined();
});

test("a string that is longer than its message is refused", () => {
  const [message] = splitMessages(encodeMessage(2, 0, [400, 0]))?.messages ?? [];
  expect(() => new ArgumentReader(message?.body ?? new DataView(new ArrayBuffer(0))).string()).toThrow(RangeError);
});
