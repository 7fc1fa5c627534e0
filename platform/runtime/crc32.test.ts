import fc from "fast-check";
import { crc32 as ofZlib } from "node:zlib";
import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";

test("CRC-32 equals zlib's of the same bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => crc32(bytes) === ofZlib(bytes)));
});

test("CRC-32 has the check value of the CRC catalogue", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});
