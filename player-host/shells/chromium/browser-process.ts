import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Timers } from "../../../platform/ports/clock.ts";
import { withDeadline, TimeoutError } from "../../../platform/runtime/sleep.ts";
import type { CdpPipes } from "../cdp/cdp-client.ts";

/** A browser process of ours, with its debugging pipe. */
export interface BrowserProcess {
  readonly pid: number;
  readonly pipes: CdpPipes;
  /** Resolves with how it ended, and its last words, as one sentence; never rejects. */
  readonly exited: Promise<string>;
  /** The same, or that it still runs: its pipe closes a moment before the system tells the exit. */
  howItEnded(why: string): Promise<string>;
  /** Ends it and everything in its process group, after at most `graceMs`. */
  end(graceMs: number): Promise<void>;
}

/** What is run, with what environment. */
export interface BrowserCommand {
  readonly path: string;
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

const WORDS_MAX = 4_000;
const WORDS_TOLD_MAX = 600;
/** From the end of the pipe to the exit of the process. */
const EXIT_AFTER_PIPE_MS = 2_000;
/** From the exit to the last of its error output; a child that keeps the stream open is not waited for longer. */
const WORDS_AFTER_EXIT_MS = 250;

/**
 * Starts the browser in a process group of its own. Its descriptors 3 and 4 are the debugging pipe: when
 * this process dies, however that happens, the pipe closes and a healthy browser ends by itself. One that hangs
 * is ended with the group when this process exits.
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
  // Asked nicely and in vain: a hung browser is what this function is for.
  await inTime(timers, "browser.end", graceMs, ended);
  killGroup(child.pid);
  await ended;
}

/** `undefined` when `work` has not settled by then. */
async function inTime<T>(timers: Timers, name: string, timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
  try {
    return await withDeadline(timers, name, timeoutMs, work);
  } catch (thrown) {
    if (thrown instanceof TimeoutError) return undefined;
    throw thrown;
  }
}

/**
 * Its error output ends with the reason, where it had one: whole lines, joined into one. Lines about a message bus that is not
 * there are left out: each start on a machine without one prints them, and they are never the reason.
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

/** The group outlives its leader when a child hangs, so it is ended even after a clean exit. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: nobody is left in the group, which is what we want.
  }
}
