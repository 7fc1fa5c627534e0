import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isAlive, readProcStat } from "./proc.ts";
import { takeProcessLock } from "./process-lock.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-lock-"));
  path = join(folder, "player", "agent.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the lock is taken once, can be released, and leaves no other files", () => {
  const lock = takeProcessLock(path);
  if (!lock.ok) throw new Error(lock.error.message);
  expect(takeProcessLock(path)).toMatchObject({ ok: false, error: { code: "lock.held" } });
  lock.value();
  expect(existsSync(path)).toBe(false);
  expect(takeProcessLock(path).ok).toBe(true);
  expect(readdirSync(join(folder, "player"))).toEqual(["agent.lock"]);
});

test("the lock respects a lock of another running process", () => {
  const holder = `import { takeProcessLock } from ${JSON.stringify(new URL("./process-lock.ts", import.meta.url).pathname)};
    const lock = takeProcessLock(${JSON.stringify(path)}); process.stdout.write(lock.ok ? "first" : lock.error.code);`;
  expect(takeProcessLock(path).ok).toBe(true);
  const other = spawnSync(process.execPath, ["--input-type=module", "-e", holder], { encoding: "utf8" });
  expect(other.stdout).toBe("lock.held");
});

test("a lock that was taken over is not removed by its former holder", () => {
  const lock = takeProcessLock(path);
  writeFileSync(path, JSON.stringify({ pid: 1, started: readProcStat(1)?.started ?? "" }));
  if (lock.ok) lock.value();
  expect(existsSync(path)).toBe(true);
});

test("a lock of a dead process is stale", async () => {
  takeProcessLock(path);
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  writeFileSync(path, JSON.stringify({ pid: child.pid, started: "12345" }));
  expect(takeProcessLock(path).ok).toBe(true);
});

test.each([
  ["of a pid that is somebody else's now", JSON.stringify({ pid: 1, started: "not its start time" })],
  ["of our own pid, before the boot", JSON.stringify({ pid: process.pid, started: "not our start time" })],
  ["torn by a power cut", '{"pid":1'],
  ["of another make", "12 34\n"],
  ["that is no object", "null"],
  ["empty", ""],
])("a lock %s is stale", (_what, text) => {
  takeProcessLock(path);
  writeFileSync(path, text);
  expect(takeProcessLock(path).ok).toBe(true);
});

test("the lock reports a folder that cannot be created", () => {
  writeFileSync(join(folder, "player"), "a file where the folder should be");
  expect(takeProcessLock(path)).toMatchObject({ ok: false, error: { code: "lock.unwritable" } });
});

test("the lock identifies processes by the kernel's data about them", () => {
  expect(readProcStat(process.pid)).toMatchObject({ parent: process.ppid });
  expect(readProcStat(2 ** 22 + 1)).toBeUndefined();
  expect([isAlive(process.pid), isAlive(2 ** 22 + 1)]).toEqual([true, false]);
});
