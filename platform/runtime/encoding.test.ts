import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstUtf8Bytes, fromBase64Url, toBase64Url, toHex, utf8, utf8Length } from "./encoding.ts";

describe("base64url", () => {
  test("agrees with Node for any bytes, in both directions", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = toBase64Url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64url"));
        expect(fromBase64Url(text)).toEqual(bytes);
      }),
    );
  });

  test("refuses anything but unpadded base64url", () => {
    const refused = ["a", "ab=", "ab==", "a b", "ab+/", "äb", "abcde", "a\u0000"].map((text) => fromBase64Url(text));
    expect(new Set(refused)).toEqual(new Set([undefined]));
    expect(fromBase64Url("")).toEqual(new Uint8Array());
  });

  test("refuses a text or decodes it to as many bytes as its length implies", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([undefined, Math.floor((text.length * 3) / 4)]).toContain(fromBase64Url(text)?.length);
      }),
    );
  });
});

test("hex has two lower-case digits per byte", () => {
  expect(toHex(Uint8Array.of(0, 10, 255))).toBe("000aff");
});

test("utf8 encodes beyond the basic plane", () => {
  expect([...utf8("é𝄞")]).toEqual([0xc3, 0xa9, 0xf0, 0x9d, 0x84, 0x9e]);
});

describe("lengths in UTF-8", () => {
  const texts = fc.string({ unit: fc.constantFrom("a", "ä", "終", "😀", "\ud83d", "\ude00"), maxLength: 60 });

  test("a text is as long as Node encodes it, lone surrogates included", () => {
    fc.assert(fc.property(texts, (text) => {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    }));
  });

  test("the beginning of a text fits, splits no character, and is the longest that does", () => {
    fc.assert(
      fc.property(texts, fc.nat(80), (text, bytesMax) => {
        const first = firstUtf8Bytes(text, bytesMax);
        expect(text.startsWith(first)).toBe(true);
        expect(utf8Length(first)).toBeLessThanOrEqual(bytesMax);
        const [next] = text.slice(first.length);
        expect(next === undefined || utf8Length(first + next) > bytesMax).toBe(true);
      }),
    );
  });
});
