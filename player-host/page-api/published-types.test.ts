import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { publishedTypes } from "./published-types.ts";

const published = join(import.meta.dirname, "vitrine.d.ts");

test("the published types match the contract (VITRINE_UPDATE=1 writes them)", () => {
  const wanted = publishedTypes(readFileSync(join(import.meta.dirname, "../contract/page-api.ts"), "utf8"));
  if (process.env["VITRINE_UPDATE"] === "1") writeFileSync(published, wanted);
  expect(readFileSync(published, "utf8")).toBe(wanted);
});
