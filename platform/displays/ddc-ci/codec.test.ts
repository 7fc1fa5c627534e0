import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCapabilities } from "./capabilities.ts";
import { decodeCapabilities, decodeFeature, encodeCapabilities, encodeGet, encodeSet } from "./codec.ts";

// Bytes as printed in ddcutil's traces of real monitors (issue 36 of rockowitz/ddcutil), after the address.
test("messages are those of other programs, byte for byte", () => {
  expect([...encodeSet(0xd6, 5)]).toEqual([0x51, 0x84, 0x03, 0xd6, 0x00, 0x05, 0x6b]);
  expect([...encodeGet(0x10)]).toEqual([0x51, 0x82, 0x01, 0x10, 0xac]);
  expect([...encodeCapabilities(0)]).toEqual([0x51, 0x83, 0xf3, 0x00, 0x00, 0x4f]);
});

const BRIGHTNESS = Uint8Array.of(0x6e, 0x88, 0x02, 0x00, 0x10, 0x00, 0x00, 0x64, 0x00, 0x32, 0xf2);

test("an answer has the value, and a feature the display lacks is unsupported", () => {
  expect(decodeFeature(BRIGHTNESS, 0x10)).toEqual({ ok: true, value: { kind: "value", value: 50, max: 100 } });
  expect(decodeFeature(Uint8Array.of(0x6e, 0x88, 0x02, 0x01, 0x62, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd7, 0xff), 0x62)).toEqual({ ok: true, value: { kind: "unsupported" } });
});

test.each<[string, readonly number[], string]>([
  ["the null message", [0x6e, 0x80, 0xbe, 0, 0, 0, 0, 0, 0, 0, 0], "null"],
  ["the answer to another question", [...BRIGHTNESS], "other"],
  ["nothing but zeros", Array.from({ length: 11 }, () => 0), "garbage"],
  ["a bus that nobody pulls down", Array.from({ length: 11 }, () => 0xff), "garbage"],
  ["a message that is cut", [...BRIGHTNESS.slice(0, 9)], "garbage"],
  ["no bytes", [], "garbage"],
])("%s is no answer", (_what, bytes, fault) => {
  expect(decodeFeature(Uint8Array.from(bytes), 0x12)).toEqual({ ok: false, error: fault });
});

test("every change of a single byte of an answer is refused", () => {
  const changed = [...BRIGHTNESS].flatMap((byte, at) => Array.from({ length: 255 }, (_, by) => BRIGHTNESS.with(at, (byte + by + 1) % 256)));
  expect(changed.filter((bytes) => decodeFeature(bytes, 0x10).ok)).toEqual([]);
});

test("arbitrary bytes never throw, and an answer that is taken has a right sum and the feature that was asked for", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 0, max: 255 }), (bytes, feature) => {
      const decoded = decodeFeature(bytes, feature);
      decodeCapabilities(bytes, feature);
      const isRight = bytes[4] === feature && bytes.subarray(0, 11).reduce((sum, byte) => sum ^ byte, 0x50) === 0;
      expect(decoded.ok && !isRight).toBe(false);
    }),
  );
});

test("every feature and value comes back as it was sent", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 65_535 }), (feature, value, max) => {
      const body = [0x6e, 0x88, 0x02, 0x00, feature, 0x00, max >> 8, max & 0xff, value >> 8, value & 0xff];
      const answer = Uint8Array.from([...body, body.reduce((sum, byte) => sum ^ byte, 0x50)]);
      expect(decodeFeature(answer, feature)).toEqual({ ok: true, value: { kind: "value", value, max } });
      expect([...encodeSet(feature, value)].reduce((sum, byte) => sum ^ byte, 0x6e)).toBe(0);
    }),
  );
});

test.each<[string, string, Record<number, number[]> | undefined]>([
  ["a usual text", "(prot(monitor)type(LCD)cmds(01 02)vcp(02 10 60(11 12 0F) D6(01 04 05))mccs_ver(2.1))", { 0x02: [], 0x10: [], 0x60: [0x11, 0x12, 0x0f], 0xd6: [1, 4, 5] }],
  ["no spaces, capital letters and a missing bracket", "(VCP(1012 60( 0111)DF", { 0x10: [], 0x12: [], 0x60: [0x01, 0x11], 0xdf: [] }],
  ["words among the codes", "vcp(10 xyz 62 (hello) 8D(01 02))", { 0x10: [], 0x62: [], 0x8d: [1, 2] }],
  ["a list of another kind", "(prot(monitor)cmds(01 02))", undefined],
  ["nothing", "", undefined],
])("capabilities: %s", (_what, text, features) => {
  const parsed = parseCapabilities(text);
  expect(parsed === undefined ? undefined : Object.fromEntries(parsed)).toEqual(features);
});

test("capabilities: arbitrary text never throws", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."vcp()0123456789abcdefABCDEF \u0000ÿ") }), (text) => void parseCapabilities(`vcp(${text}`)));
});
