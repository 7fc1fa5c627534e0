import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { expect, test } from "vitest";
import { ManifestSchema } from "./manifest.ts";

test("the manifest in the page API's documentation is valid and has every key", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/page-api.md"), "utf8");
  const examples = [...text.matchAll(/```json\n(\{\n {2}"manifest"[\s\S]*?)```/g)].map(([, json]) => JSON.parse(json ?? "") as Record<string, unknown>);
  expect(examples).toHaveLength(1);
  const manifest = v.parse(ManifestSchema, examples[0]);
  expect(Object.keys(examples[0] ?? {}).sort()).toEqual(Object.keys(ManifestSchema.entries).sort());
  expect(Object.keys(manifest.files)).toContain(manifest.entry);
  expect(manifest.capabilities).toEqual(["gpio"]);
});

test.each(["../a", "/a", "a//b", "c:a", "a/./b", "a\u0000"])("a path like %j is refused", (path) => {
  const manifest = { manifest: 1, name: "n", version: "1", entry: path, files: { [path]: "0".repeat(64) } };
  expect(v.safeParse(ManifestSchema, manifest).success).toBe(false);
});

test("a path with a leading ./ or Windows backslashes is the same path", () => {
  const manifest = { manifest: 1, name: "n", version: "1", entry: "./a\\b", files: { "a\\b": "0".repeat(64) } };
  expect(v.parse(ManifestSchema, manifest)).toMatchObject({ entry: "a/b", files: { "a/b": "0".repeat(64) } });
});

test.each([
  ["https://menu.example", "https://menu.example"],
  ["http://192.168.1.20:8080", "http://192.168.1.20:8080"],
  ["ws://sensor_1.local:81", "ws://sensor_1.local:81"],
  ["WSS://Live.example/", "wss://live.example"],
  ["https://*.menu.example", "https://*.menu.example"],
  ["https://menu.example:65535", "https://menu.example:65535"],
  ["https://menu.example:65536", undefined],
  ["https://*", undefined],
  ["https://menu.example/board", undefined],
  ["http://[::1]:80", undefined],
  ["ftp://menu.example", undefined],
  ["https://user@menu.example", undefined],
  ["https://a.example; script-src *", undefined],
])("the origin %s is read as %s", (origin, read) => {
  const parsed = v.safeParse(ManifestSchema, { manifest: 1, name: "n", version: "1", entry: "a", files: {}, allowedOrigins: [origin] });
  expect(parsed.success ? parsed.output.allowedOrigins[0] : undefined).toBe(read);
});
