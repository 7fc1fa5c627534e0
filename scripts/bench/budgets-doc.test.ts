import { expect, test } from "vitest";
import { budgetsDoc } from "./budgets-doc.ts";
import { judge } from "./harness/verdict.ts";

const machine = { processor: "Test processor", cores: 2, memoryMiB: 1024, kernel: "6.1", disk: "/dev/vda, ext4", node: "v24.0.0" };
const lines = [
  judge({ name: "append.one-writer.p50", value: 6, unit: "ms", floor: { name: "raw", value: 4, unit: "ms" }, target: { of: "ratio", atMost: 2 }, how: "by turns" }),
  judge({ name: "append.64-writers.rate", value: 14_000, unit: "records/s", floor: { name: "raw groups", value: 15_000, unit: "records/s" }, target: { of: "value", atLeast: 20_000 }, how: "median" }),
];

test("has the machine, the date, which targets were reached, and by how much others were missed", () => {
  const text = budgetsDoc(lines, machine, "2026-11-22");
  expect(text).toContain("| date | 2026-11-22 |");
  expect(text).toContain("Test processor, 2 cores");
  expect(text).toContain("1 of 2 targets are reached");
  expect(text).toContain("| `append.one-writer.p50` | 6 ms | raw: 4 ms | 1.5 | ≤ 2 × floor | reached |");
  expect(text).toContain("not reached: 14,000 records/s (≥ 20,000 records/s)");
});

test("the physical floor is computed from this run", () => {
  const text = budgetsDoc(lines, machine, "2026-11-22");
  expect(text).toContain("which is 16,000 records/s on this disk; the target of ≥ 20,000 records/s is beyond that");
  expect(text).not.toContain("A command is on the disk");
});
