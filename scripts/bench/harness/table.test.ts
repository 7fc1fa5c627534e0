import { expect, test } from "vitest";
import { formatTable, markdownTable } from "./table.ts";

test("columns are aligned, numbers to the right, without trailing spaces", () => {
  const text = formatTable([["figure", "value", ""], ["a", "1", "reached"], ["longer-name", "1,000", ""]], new Set([1]));
  expect(text).toBe("figure       value\na                1  reached\nlonger-name  1,000");
});

test("Markdown cells cannot break their row", () => {
  expect(markdownTable(["a", "b"], [["x|y", "line\nbreak"]])).toBe("| a | b |\n|---|---|\n| x\\|y | line break |");
});
