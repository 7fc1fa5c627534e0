import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newCounters } from "../sessions/context.ts";

const doc = readFileSync(join(import.meta.dirname, "../../../docs/dev-cloud-api.md"), "utf8");

test("the documented table of codes has every code with its own status", () => {
  const source = readFileSync(join(import.meta.dirname, "api-error.ts"), "utf8");
  const codes = [...source.matchAll(/^ {2}\["([a-z.-]+)", (\d+)\],$/gm)];
  expect(codes.length).toBeGreaterThan(10);
  for (const [, code, status] of codes) expect(doc.split("\n").filter((line) => line.includes(`| ${status} |`)).join("\n")).toContain(`\`${code}\``);
});

test("the documented example of info has every counter and cap", () => {
  const json = /`GET \/api\/v1\/info`\s+```json\n([^`]+)```/.exec(doc)?.[1] ?? "";
  const info = JSON.parse(json) as { counters: object; caps: { records: object } };
  expect(Object.keys(info.counters)).toEqual(expect.arrayContaining(Object.keys(newCounters())));
  expect(Object.keys(info.caps)).toEqual(["records", "hidden", "commands", "uploadsBytesMax"]);
  expect(Object.keys(info.caps.records).sort()).toEqual(["alarm", "event", "metric", "outcome", "play"]);
});
