import { describe, expect, test } from "vitest";
import { countTests } from "./vitest-step.ts";

const ROOT = { root: "/tree" };

function file(status: string, tests: readonly string[], message?: string) {
  const assertionResults = tests.map((result, index) => ({ fullName: `test ${index}`, status: result }));
  return { name: "/tree/agent/a.test.ts", status, assertionResults, ...(message === undefined ? {} : { message }) };
}

describe("tests are counted", () => {
  test("by result; tests that did not run are skipped", () => {
    const report = { testResults: [file("failed", ["passed", "failed", "pending", "todo", "skipped"])] };
    expect(countTests(report, "ended with exit code 1", false, ROOT)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 3,
      failures: ["agent/a.test.ts: test 1"],
    });
  });

  test("a file that does not load is one failure, with its message", () => {
    const report = { testResults: [file("failed", [], "Cannot find module './b.ts'\n  at somewhere")] };
    expect(countTests(report, "ended with exit code 1", false, ROOT)).toMatchObject({
      failed: 1,
      failures: ["agent/a.test.ts: Cannot find module './b.ts'"],
    });
  });

  test("a file whose hook failed after its tests passed is one failure", () => {
    expect(countTests({ testResults: [file("failed", ["passed"])] }, "", false, ROOT)).toMatchObject({ passed: 1, failed: 1 });
  });

  test("a run that ended badly counts as one failure even if every test passed", () => {
    const end = "was still running after 180 s and was ended";
    expect(countTests({ testResults: [file("passed", ["passed"])] }, end, false, ROOT)).toMatchObject({ passed: 1, failed: 1, failures: [end] });
  });

  test("a run without a report is one failure", () => {
    expect(countTests(undefined, "was killed by SIGSEGV", false, ROOT)).toMatchObject({ passed: 0, failed: 1, failures: ["was killed by SIGSEGV"] });
  });

  test("a project without test files neither passes nor fails", () => {
    expect(countTests({ testResults: [] }, "", true, ROOT)).toEqual({ passed: 0, failed: 0, skipped: 0, failures: [] });
  });
});
