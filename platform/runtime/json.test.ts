import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, diffPatch, isJsonObject, mergePatch, parseJson, sameJson, type Json, type JsonObject } from "./json.ts";

// Merge patches cannot set a key to null (RFC 7396, section 1), so values here are never null.
const key = fc
  .oneof(fc.constantFrom("a", "b", "c", "toString", "constructor", "length"), fc.string())
  .filter((name) => name !== "__proto__");
const { value: jsonValue, object: jsonObject } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }),
}));

/** Through text and back, because JSON has no -0. */
const plain = <T extends Json>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("merge patch", () => {
  test("merging the difference of two documents into the first gives the second", () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (from, to) => {
        const patch = diffPatch(from, to);
        const merged = patch === undefined ? from : mergePatch(from, patch);
        expect(canonicalJson(merged)).toBe(canonicalJson(to));
      }),
    );
  });

  test("equal documents have no difference, whatever their key order", () => {
    fc.assert(
      fc.property(jsonObject, (document) => {
        const turned = Object.fromEntries(Object.entries(document).reverse());
        expect(diffPatch(document, turned)).toBeUndefined();
      }),
    );
  });

  test("diff and merge do not change their arguments", () => {
    fc.assert(
      fc.property(jsonObject, jsonValue, (target, patch) => {
        const before = [plain(target), plain(patch)];
        mergePatch(target, patch);
        expect([plain(target), plain(patch)]).toEqual(before);
      }),
    );
  });

  // RFC 7396, appendix A.
  test.each<[Json, Json, Json]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j is %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test("a hostile patch cannot reach a prototype", () => {
    const patch = parseJson(
      '{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":true}},"constructor":{"prototype":{"polluted":true}}}',
    );
    const merged = mergePatch({}, patch ?? null);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect((merged as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });
});

test("canonical text is the same for equal values and parses back", () => {
  expect(canonicalJson({ b: 1, a: [{ d: null, c: "x" }] })).toBe('{"a":[{"c":"x","d":null}],"b":1}');
  fc.assert(
    fc.property(jsonValue, (value) => {
      expect(parseJson(canonicalJson(value))).toEqual(plain(value));
    }),
  );
});

test("text that is not JSON gives undefined, not an exception", () => {
  for (const text of ["", "{", "undefined", "{'a':1}", "\u0000"]) expect(parseJson(text)).toBeUndefined();
  expect(parseJson("null")).toBeNull();
});

test("arrays and null are not objects", () => {
  expect([{}, [], null, "x", 1].map(isJsonObject)).toEqual([true, false, false, false, false]);
});

test("canonical text escapes what JSON escapes", () => {
  for (const text of ['"', "\\", "\n", "\u0000", "\u007f", "é", "\ud800", "~ !#[]", "x".repeat(100), ""]) {
    expect(canonicalJson(text)).toBe(JSON.stringify(text));
    expect(canonicalJson({ [text]: [text] })).toBe(`{${JSON.stringify(text)}:[${JSON.stringify(text)}]}`);
  }
  for (const value of [0, -0, 1e21, 1.5, Number.NaN, Number.POSITIVE_INFINITY, true, false, null]) expect(canonicalJson(value)).toBe(JSON.stringify(value));
});

test("values are equal in any key order, and only then", () => {
  expect(sameJson({ a: 1, b: [{ c: 2, d: null }] }, { b: [{ d: null, c: 2 }], a: 1 })).toBe(true);
  const unlike: readonly (readonly [Json | undefined, Json | undefined])[] = [
    [{ a: 1 }, { a: 1, b: 1 }], [{ a: 1 }, { b: 1 }], [[1, 2], [2, 1]], [[], {}], [null, {}], [undefined, null], ["1", 1], [{ toString: 1 }, { a: 1 }],
  ];
  for (const [one, other] of unlike) expect([one, other, sameJson(one, other), sameJson(other, one)]).toEqual([one, other, false, false]);
  fc.assert(
    fc.property(jsonValue, jsonValue, (one, other) => {
      expect(sameJson(one, other)).toBe(canonicalJson(one) === canonicalJson(other));
      expect(sameJson(one, parseJson(canonicalJson(one)))).toBe(true);
    }),
  );
});
