import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Timers } from "../../../platform/ports/clock.ts";
import { withDeadline, TimeoutError } from "../../../platform/runtime/sleep.ts";
import type { CdpPipes } from "./cdp-client.ts";

/** A browser process of ours, with its debugging pipe. */
export interface BrowserProcess {
  readonly pid: number;
  readonly pipes: CdpPipes;
  /** Resolves with how it ended; never rejects. */
  readonly exited: Promise<string>;
  /** What it last wrote on its error output, for the message when it does not start. */
  lastWords(): string;
  /** Ends it and everything in its process group, after at most `graceMs`. */
  end(graceMs: number): Promise<void>;
}

const WORDS_MAX = 4_000;

/**
 * Starts the browser in a process group of its own. Its descriptors 3 and 4 are the debugging pipe: when
 * this process dies, however that happens, the pipe closes and the browser ends by itself.
 */
export function startBrowser(path: string, flags: readonly string[], timers: Timers): BrowserProcess {
  const child = spawn(path, flags, { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"], detached: true });
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("utf8")).slice(-WORDS_MAX);
  });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`it could not be run: ${error.message}`));
    child.once("exit", (code, signal) => resolve(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`));
  });
  return {
    pid: child.pid ?? 0,
    pipes: { toBrowser: child.stdio[3] as Writable, fromBrowser: child.stdio[4] as Readable },
    exited,
    lastWords: () => words.trim(),
    end: (graceMs) => end(child, exited, graceMs, timers),
  };
}

async function end(child: ChildProcess, exited: Promise<string>, graceMs: number, timers: Timers): Promise<void> {
  try {
    await withDeadline(timers, "browser.end", graceMs, exited);
  } catch (thrown) {
    // Asked nicely and in vain: a hung browser is what this function is for.
    if (!(thrown instanceof TimeoutError)) throw thrown;
  }
  killGroup(child.pid);
  await exited;
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
