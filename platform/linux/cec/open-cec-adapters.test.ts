import { expect, test } from "vitest";
import { byOutput } from "./open-cec-adapters.ts";

test("adapters come in the order of their outputs' names, and those whose output is unknown come last", () => {
  const adapters: { output?: string; cec: string }[] = [{ cec: "cec0" }, { output: "HDMI-A-2", cec: "cec1" }, { output: "HDMI-A-1", cec: "cec2" }, { cec: "cec3" }];
  expect(adapters.sort(byOutput).map(({ cec }) => cec)).toEqual(["cec2", "cec1", "cec0", "cec3"]);
});
