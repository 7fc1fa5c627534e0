/**
 * What the conformance suites need of Vitest, on Node's own test runner: Vitest itself takes minutes to start on an emulated
 * processor. The bundle of the guest's programs uses this file in place of `vitest`.
 */
import { format } from "node:util";
import { after, afterEach, before, beforeEach, describe, test as nodeTest } from "node:test";
import { expect } from "expect";
export { expect };
export { after as afterAll, afterEach, before as beforeAll, beforeEach, describe };

expect.extend({
  toSatisfy(received: unknown, holds: (value: unknown) => boolean) {
    return { pass: holds(received), message: () => `${String(received)} does not satisfy the condition` };
  },
});

type Body = (...args: never[]) => unknown;

function test(name: string, body: () => unknown): void {
  void nodeTest(name, async () => {
    await body();
  });
}

/** `%s` and the like in the name stand for the row's values, as in Vitest. */
test.each = (rows: readonly unknown[]) => (name: string, body: Body): void => {
  for (const row of rows) {
    const values = Array.isArray(row) ? (row as unknown[]) : [row];
    const marks = (name.match(/%[sdijo]/g) ?? []).length;
    test(format(name, ...values.slice(0, marks)), () => body(...(values as never[])));
  }
};

export { test, test as it };
