import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

test("--strict names every mistake of the configuration, each with its advice, and the command line every misuse", () => {
  const agent = (...words: readonly string[]) => spawnSync(process.execPath, [join(ROOT, "agent/node/main.ts"), "--data", folder, ...words], { encoding: "utf8", cwd: folder, env: { PATH: process.env["PATH"] }, timeout: 60_000 });
  writeFileSync(join(folder, "config.json"), JSON.stringify({ log: { level: "loud" }, cloud: { pingMs: 1 }, nonsense: true }));
  const strict = agent("--strict");
  expect(strict.status).toBe(78);
  expect(strict.stderr.match(/^vitrine-agent: .*$/gm)).toEqual([expect.stringContaining("log.level"), expect.stringContaining("cloud.pingMs"), expect.stringContaining("nonsense")]);
  expect(strict.stderr.match(/^ {2}→ /gm)).toHaveLength(3);
  const misused = agent("--log-lvel", "debug", "--nme", "Lobby", "run");
  expect(misused.status).toBe(2);
  expect(misused.stderr.match(/^vitrine-agent: .*$/gm)).toEqual([expect.stringContaining("--log-lvel"), expect.stringContaining("--nme"), expect.stringContaining('"run"')]);
}, 150_000);
