import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { describeEnd, GRACE_MS, runCommand, type CommandEnd } from "./run-command.ts";

const HANG = "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000);";
/** Renamed into place, so that whoever sees the file reads a whole number. */
const WRITE_PID = "require('fs').writeFileSync('part', String(process.pid)); require('fs').renameSync('part', 'pid');";

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
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const ended = run(`${HANG} require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(HANG + WRITE_PID)}]);`, 500);
    const pid = await startedPid();
    expect(runs(pid)).toBe(true);
    vi.advanceTimersByTime(500);
    vi.advanceTimersByTime(GRACE_MS);
    const end = await ended;
    expect(end).toEqual({ kind: "timed-out", timeoutMs: 500 });
    await until(() => !runs(pid));
    expect(describeEnd(end)).toBe("was still running after 0.5 s and was ended");
  } finally {
    vi.useRealTimers();
  }
});

test("processes that a program leaves running are ended with it", async () => {
  const child = JSON.stringify(HANG + WRITE_PID);
  await run(`require('child_process').spawn(process.execPath, ['-e', ${child}], { stdio: 'ignore' }).unref();
    const wait = setInterval(() => { if (require('fs').existsSync('pid')) clearInterval(wait); }, 20);`);
  const pid = await startedPid();
  await until(() => !runs(pid));
  expect(runs(pid)).toBe(false);
});

test("stopping the run stops the program", async () => {
  const stop = new AbortController();
  const end = run(`require('fs').writeFileSync('up', ''); setInterval(() => undefined, 1000)`, 20_000, stop.signal);
  await until(() => existsSync(join(folder, "up")));
  stop.abort();
  expect(await end).toEqual({ kind: "aborted" });
});

/** Waits for a fact for as long as the test may take. */
async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await sleep(20);
}

async function startedPid(): Promise<number> {
  await until(() => existsSync(join(folder, "pid")));
  return Number(readFileSync(join(folder, "pid"), "utf8"));
}

/** Whether the process exists and is not a zombie. */
function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // No such process.
    return false;
  }
}
