import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { ManifestSchema } from "./manifest.ts";

test("the manifest in the page API's documentation is a good one, and shows every key", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/page-api.md"), "utf8");
  const examples = [...text.matchAll(/```json\n(\{\n {2}"manifest"[\s\S]*?)```/g)].map(([, json]) => JSON.parse(json ?? "") as Record<string, unknown>);
  expect(examples).toHaveLength(1);
  const manifest = v.parse(ManifestSchema, examples[0]);
  expect(Object.keys(examples[0] ?? {}).sort()).toEqual(Object.keys(ManifestSchema.entries).sort());
  expect(Object.keys(manifest.files)).toContain(manifest.entry);
  expect(manifest.capabilities).toEqual(["gpio"]);
});

test.each(["../a", "/a", "a//b", "a\\b", "c:a", "a/./b", "a\u0000"])("a path like %j is refused", (path) => {
  const manifest = { manifest: 1, name: "n", version: "1", entry: path, files: { [path]: "0".repeat(64) } };
  expect(v.safeParse(ManifestSchema, manifest).success).toBe(false);
});
