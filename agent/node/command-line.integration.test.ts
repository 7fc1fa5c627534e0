import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-words-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([["agent/node/main.ts"], ["player-host/shells/chromium/main.ts"]])("%s refuses a misspelt flag with exit code 2 and makes no folder", (program) => {
  const data = join(folder, "data");
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, program), "--dta", data], { encoding: "utf8", cwd: folder, env: { PATH: process.env["PATH"], VITRINE_DATA: data }, timeout: 25_000 });
  expect([status, existsSync(data)]).toEqual([2, false]);
  expect(stderr).toContain("--dta");
});
