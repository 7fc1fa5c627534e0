import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const SUBSCRIBES = /^\s+[\w.#]+\.on(?:Change|Free|Status|Event|News|Document|Clock|Appended|Seen)\(/;

/** Lines that subscribe as a statement, which discards the unsubscribe function. */
function dropped(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.filter((line, at) => SUBSCRIBES.test(line) && /[;{}]\s*$|^$/.test(lines[at - 1] ?? ""));
}

test("no agent source file discards the unsubscribe function of a subscription", () => {
  const files = globSync("agent/core/**/*.ts").filter((file) => !file.includes(".test.") && !file.includes("/testing/"));
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap((file) => dropped(readFileSync(file, "utf8")).map((line) => `${file}: ${line.trim()}`))).toEqual([]);
});

test("a discarded unsubscribe function is detected", () => {
  expect(dropped("  start();\n  page.onChange(() => tell());\n")).toHaveLength(1);
  expect(dropped("  undo.push(\n    page.onChange(() => tell()),\n  );\n")).toEqual([]);
});
