import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { describeEnd, runCommand, type CommandEnd } from "./run-command.ts";

const HANG = "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000);";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-run-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, timeoutMs = 20_000, signal = new AbortController().signal): Promise<CommandEnd> {
  return runCommand({ nodeArgs: ["-e", script], cwd: folder, timeoutMs, signal });
}

test("an exit code is returned", async () => {
  expect(await run("process.exit(3)")).toEqual({ kind: "exited", code: 3 });
});

test("a program killed by a signal is reported as killed", async () => {
  const end = await run("process.kill(process.pid, 'SIGSEGV')");
  expect(end).toEqual({ kind: "killed", signal: "SIGSEGV" });
  expect(describeEnd(end)).toBe("was killed by SIGSEGV");
});

test("a program that hangs is ended after its timeout, with its children", async () => {
  const script = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(`require('fs').writeFileSync('pid', String(process.pid)); ${HANG}`)}]); ${HANG}`;
  const end = await run(script, 500);
  expect(end).toEqual({ kind: "timed-out", timeoutMs: 500 });
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
  await vi.waitUntil(() => !runs(pid), { timeout: 5_000, interval: 20 });
  expect(describeEnd(end)).toBe("was still running after 0.5 s and was ended");
});

test("processes that a program leaves running are ended with it", async () => {
  const child = JSON.stringify(`require('fs').writeFileSync('pid', String(process.pid)); ${HANG}`);
  await run(`require('child_process').spawn(process.execPath, ['-e', ${child}], { stdio: 'ignore' }).unref();
    const wait = setInterval(() => { if (require('fs').existsSync('pid')) clearInterval(wait); }, 20);`);
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
  await vi.waitUntil(() => !runs(pid), { timeout: 5_000, interval: 20 });
  expect(runs(pid)).toBe(false);
});

test("stopping the run stops the program", async () => {
  const stop = new AbortController();
  const end = run(`require('fs').writeFileSync('up', ''); setInterval(() => undefined, 1000)`, 20_000, stop.signal);
  await vi.waitUntil(() => existsSync(join(folder, "up")), { timeout: 5_000, interval: 20 });
  stop.abort();
  expect(await end).toEqual({ kind: "aborted" });
});

/** Whether the process exists and is not a zombie. */
function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // No such process.
    return false;
  }
}
