import { expect, test } from "vitest";
import { readCampaignOptions } from "./options.ts";

const read = (...args: string[]) => readCampaignOptions(args, { cases: [1_000, 1], disks: [1, 0, 1] });

test("a campaign's numbers have defaults, and there is a seed", () => {
  expect(read("--seed", "s")).toEqual({ ok: true, value: { numbers: { cases: 1_000, disks: 1 }, seed: "s" } });
  expect(read("--cases", "3", "--disks", "0", "--seed", "s")).toMatchObject({ value: { numbers: { cases: 3, disks: 0 } } });
});

test("help is not an error", () => {
  expect(read("--help")).toEqual({ ok: true, value: "help" });
});

test.each([["--cases", "0"], ["--disks", "2"], ["--cases", "1e3"], ["--cases", "-1"], ["--cases", ""], ["--case", "3"], ["3"]])("%s %s is refused", (...words) => {
  expect(read(...words)).toMatchObject({ ok: false, error: { code: "prove.usage" } });
});
