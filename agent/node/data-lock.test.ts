import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockData } from "./data-lock.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-lock-"));
  path = join(folder, "agent.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("is given once and comes back with its release", () => {
  const lock = lockData(path);
  if (!lock.ok) throw new Error(lock.error.message);
  lock.value();
  expect(existsSync(path)).toBe(false);
});

test("a lock of a living process is respected", () => {
  const holder = `import { lockData } from ${JSON.stringify(new URL("./data-lock.ts", import.meta.url).pathname)};
    const lock = lockData(${JSON.stringify(path)}); process.stdout.write(lock.ok ? "first" : lock.error.code);`;
  const keep = lockData(path);
  expect(keep.ok).toBe(true);
  const other = spawnSync(process.execPath, ["--input-type=module", "-e", holder], { encoding: "utf8" });
  expect(other.stdout).toBe("data.in-use");
});

test.each([
  ["of a process that is gone", JSON.stringify({ pid: 2 ** 22 + 1, started: "1" })],
  ["of a pid that is somebody else's now", JSON.stringify({ pid: 1, started: "not its start time" })],
  ["torn by a power cut", '{"pid":1'],
  ["empty", ""],
])("a lock %s is stale", (_what, text) => {
  writeFileSync(path, text);
  expect(lockData(path).ok).toBe(true);
});

test("a folder that cannot be written says so", () => {
  expect(lockData(join(folder, "missing", "agent.lock"))).toMatchObject({ ok: false, error: { code: "data.unwritable" } });
});
