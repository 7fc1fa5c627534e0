import fc from "fast-check";
import { expect, test } from "vitest";
import { LineFramer } from "./line-framer.ts";

test("lines come out whole, however the stream was cut", () => {
  const line = fc.string({ minLength: 1 }).filter((text) => !text.includes("\n"));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
      const stream = lines.map((text) => `${text}\n`).join("");
      const framer = new LineFramer(1_000_000);
      const out: string[] = [];
      let at = 0;
      for (const cut of cuts) {
        out.push(...(framer.push(stream.slice(at, at + cut)) ?? []));
        at += cut;
      }
      out.push(...(framer.push(stream.slice(at)) ?? []));
      expect(out).toEqual(lines);
    }),
  );
});

test("a line without an end is refused for good once it is too long", () => {
  const framer = new LineFramer(10);
  expect(framer.push("12345\n678")).toEqual(["12345"]);
  expect(framer.push("9012345678")).toBeUndefined();
  expect(framer.push("\nok\n")).toBeUndefined();
});
