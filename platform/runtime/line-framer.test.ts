import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineFramer } from "./line-framer.ts";

describe.each([["a line feed", 10, "\n"], ["a zero byte", 0, "\0"]])("texts ended by %s", (_what, end, mark) => {
  const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((each) => !each.includes(mark));
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });

  test("come out whole however the stream is split, even within a character", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), cuts, (wanted, sizes) => {
        const bytes = Buffer.from(wanted.map((each) => each + mark).join(""));
        const framer = new LineFramer(10_000, end);
        const found: string[] = [];
        for (let at = 0, n = 0; at < bytes.length; n += 1) {
          const size = sizes[n % sizes.length] ?? 1;
          found.push(...(framer.push(bytes.subarray(at, at + size)) ?? ["overflow"]));
          at += size;
        }
        expect(found).toEqual(wanted);
      }),
    );
  });
});

test("may arrive as text chunks, and empty lines are skipped", () => {
  const framer = new LineFramer(100);
  expect(framer.push("grün")).toEqual([]);
  expect(framer.push("\n\n\nblau\n")).toEqual(["grün", "blau"]);
});

test("end the stream for good when one without an end is too long, in bytes", () => {
  const framer = new LineFramer(10);
  expect(framer.push("12345\n678")).toEqual(["12345"]);
  expect(framer.push("9012345678")).toBeUndefined();
  expect(framer.push("\nok\n")).toBeUndefined();
  expect(new LineFramer(10).push("üüüüüü")).toBeUndefined();
  expect(new LineFramer(10).push("0123456789\n")).toEqual(["0123456789"]);
});

test("cost only a few times their size when they arrive byte by byte", () => {
  const used = (): number => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const framer = new LineFramer(1024 * 1024);
  const before = used();
  for (let n = 0; n < 600_000; n += 1) framer.push(new Uint8Array([97]));
  // Includes uncollected garbage. Held piece by piece, it was above 140 MiB.
  expect(used() - before).toBeLessThan(90 * 1024 * 1024);
  expect(framer.push("\n")?.[0]?.length).toBe(600_000);
});
