import { expect, test } from "vitest";
import { help, isWanted, parseOptions } from "./options.ts";

const NAMES = ["idle", "append", "drain"];
const refused = (...args: string[]): string => {
  const result = parseOptions(args, NAMES);
  return result.ok ? "accepted" : `${result.error.code}: ${result.error.message}`;
};

test("no options give a whole run with a table", () => {
  expect(parseOptions([], NAMES)).toEqual({ ok: true, value: { json: false, quick: false, write: false, only: [] } });
});

test("figures and their lines can be named in one list or several", () => {
  const parsed = parseOptions(["--only", "idle,append.one-writer", "--only=drain", "--quick", "--json"], NAMES);
  expect(parsed).toMatchObject({ ok: true, value: { quick: true, json: true, only: ["idle", "append.one-writer", "drain"] } });
});

test("help takes precedence", () => {
  expect(parseOptions(["--help", "--quick"], NAMES)).toEqual({ ok: true, value: undefined });
  expect(help([["idle", "at rest"]])).toContain("idle  at rest");
});

test("invalid options are refused with a reason", () => {
  expect(refused("--fast")).toContain("'--fast'");
  expect(refused("idle")).toContain("idle");
  expect(refused("--only")).toContain("--only");
  expect(refused("--only", "idle,")).toContain("commas");
  expect(refused("--only", "idel")).toBe('bench.usage: there is no figure "idel"; there are idle, append, drain');
  expect(refused("--write", "--quick")).toContain("whole run");
  expect(refused("--write", "--only", "idle")).toContain("whole run");
});

test("a name includes the lines below it", () => {
  expect(isWanted("append.one-writer.p50", [])).toBe(true);
  expect(isWanted("append.one-writer.p50", ["append"])).toBe(true);
  expect(isWanted("append.one-writer.p50", ["append.one"])).toBe(false);
  expect(isWanted("append.one-writer.p50", ["append.one-writer"])).toBe(true);
});
