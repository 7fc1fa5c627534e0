import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../../scripts/check/left-out.ts";
import { makeFolder } from "./make-folder.ts";

const hasProc = existsSync("/proc/self");
if (!hasProc) reportLeftOut("a folder that is to be made below /proc", "there is no /proc on this machine");

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-make-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("makeFolder creates what is missing, and changes nothing if everything exists", () => {
  makeFolder(join(folder, "a", "b", "c"), 0o700);
  makeFolder(join(folder, "a", "b", "c"));
  expect(statSync(join(folder, "a", "b")).mode & 0o777).toBe(0o700);
  makeFolder("/");
});

test("a file or a broken link in the way is an error", () => {
  writeFileSync(join(folder, "file"), "");
  symlinkSync(join(folder, "nowhere"), join(folder, "link"));
  expect(() => makeFolder(join(folder, "file"))).toThrow("ENOTDIR");
  expect(() => makeFolder(join(folder, "file", "below"))).toThrow("ENOTDIR");
  expect(() => makeFolder(join(folder, "link", "below"))).toThrow("ENOENT");
});

test.skipIf(!hasProc)("makeFolder fails at once below /proc, where Node's own mkdir never returns", () => {
  expect(() => makeFolder("/proc/vitrine/data")).toThrow(/E[A-Z]+/);
});
