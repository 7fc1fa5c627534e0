import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Timers } from "../../../platform/ports/clock.ts";
import { withDeadline, TimeoutError } from "../../../platform/runtime/sleep.ts";
import type { CdpPipes } from "../cdp/cdp-client.ts";

/** A browser process that this host started, with its debugging pipe. */
export interface BrowserProcess {
  readonly pid: number;
  readonly pipes: CdpPipes;
  /** Resolves with how the process ended and the last lines of its error output, as text for a log. Never rejects. */
  readonly exited: Promise<string>;
  /** Like `exited`, but waits at most 2 s. If the process still runs then, the text says so after `why`. Never rejects. */
  howItEnded(why: string): Promise<string>;
  /** Waits up to `graceMs` for the process to end, then kills everything left in its process group. */
  end(graceMs: number): Promise<void>;
}

export interface BrowserCommand {
  readonly path: string;
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const WORDS_MAX = 4_000;
const WORDS_TOLD_MAX = 600;
/** Longest wait for the exit of the process after its pipe closed. */
const EXIT_AFTER_PIPE_MS = 2_000;
/** Longest wait for the rest of the error output after the exit: a child process may keep the stream open. */
const WORDS_AFTER_EXIT_MS = 250;

/**
 * Starts the browser in a process group of its own. Its file descriptors 3 and 4 are the debugging pipe: when
 * this process dies in any way, the pipe closes and a healthy browser ends by itself. A browser that hangs is killed with its
 * group when this process exits normally.
 */
export function startBrowser({ path, flags, env }: BrowserCommand, timers: Timers): BrowserProcess {
  const child = spawn(path, flags, { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"], detached: true, env });
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("utf8")).slice(-WORDS_MAX);
  });
  const killWithUs = (): void => killGroup(child.pid);
  process.once("exit", killWithUs);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`it could not be run: ${error.message}`));
    child.once("exit", (code, signal) => resolve(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`));
  });
  const allSaid = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const exited = ended.then(async (how) => {
    process.removeListener("exit", killWithUs);
    await inTime(timers, "browser.last-words", WORDS_AFTER_EXIT_MS, allSaid);
    return withWords(how, words);
  });
  return {
    pid: child.pid ?? 0,
    pipes: { toBrowser: child.stdio[3] as Writable, fromBrowser: child.stdio[4] as Readable },
    exited,
    howItEnded: async (why) => (await inTime(timers, "browser.exit", EXIT_AFTER_PIPE_MS, exited)) ?? withWords(`${why}, and the process still runs`, words),
    end: (graceMs) => end(child, ended, graceMs, timers),
  };
}

async function end(child: ChildProcess, ended: Promise<string>, graceMs: number, timers: Timers): Promise<void> {
  // A deadline is not an error here: a hung browser is what this function is for.
  await inTime(timers, "browser.end", graceMs, ended);
  killGroup(child.pid);
  await ended;
}

/** The result of `work`, or `undefined` when it has not settled after `timeoutMs`. */
async function inTime<T>(timers: Timers, name: string, timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
  try {
    return await withDeadline(timers, name, timeoutMs, work);
  } catch (thrown) {
    if (thrown instanceof TimeoutError) return undefined;
    throw thrown;
  }
}

/**
 * Appends the last whole lines of the browser's error output, joined into one: they hold the reason, if there was one. Lines about
 * a missing D-Bus are left out: every start on a machine without one prints them, and they are never the reason.
 */
export function withWords(how: string, words: string): string {
  const lines = words.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !/:ERROR:(?:[\w/]*\/)?dbus\//.test(line));
  const told: string[] = [];
  for (let left = WORDS_TOLD_MAX; left > 0 && lines.length > 0; ) {
    const line = lines.pop() ?? "";
    if (told.length > 0 && line.length > left) break;
    told.unshift(line.slice(-left));
    left -= line.length + 3;
  }
  return told.length === 0 ? `${how}, and said nothing` : `${how}. Its last words: ${told.join(" | ")}`;
}

/** Also called after a clean exit, because the group outlives its leader when a child hangs. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: the group is empty, as intended.
  }
}
