import { expect, test } from "vitest";
import { BAD_RELEASES, INSTALL_STEPS } from "../../prove/updates/update-cases.ts";
import { updateChecks } from "./update-checks.ts";

test("each check can be chosen by its name, and each bad release is built for one of them", () => {
  const checks = updateChecks(INSTALL_STEPS.length);
  for (const { name } of checks) expect(checks.filter((other) => other.name.includes(name))).toHaveLength(1);
  expect(checks.flatMap(({ needs }) => needs ?? [])).toEqual(BAD_RELEASES);
  // The device: without it no other check means anything.
  expect(checks.filter(({ needed }) => needed === true)).toEqual([checks[0]]);
});

test.each([[0, []], [2, INSTALL_STEPS.slice(0, 2)], [INSTALL_STEPS.length, INSTALL_STEPS]] as const)("with %i cuts the power is cut at the first steps only", (cuts, steps) => {
  expect(updateChecks(cuts).flatMap(({ name }) => /: cut at (.*)$/.exec(name)?.[1] ?? [])).toEqual(steps);
});
