import { expect, test } from "vitest";
import { inPairs, oneCheck, type Step } from "./step.ts";

const step = (name: string): Step => ({ name, title: name, run: () => Promise.resolve(oneCheck("")), ...(name === name.toUpperCase() ? { besideNext: true } : {}) });
const pairs = (names: string): string => inPairs([...names].map(step)).map((group) => group.map(({ name }) => name).join("")).join(" ");

test("steps that may run beside another run in pairs, all others alone and in order", () => {
  expect(pairs("abABCDcEdF")).toBe("a b AB CD c E d F");
  expect(pairs("ABCa")).toBe("AB C a");
});
