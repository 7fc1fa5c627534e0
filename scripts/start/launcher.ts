import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { RotatingFile } from "../../platform/node/rotating-file.ts";
import type { Timers } from "../../platform/ports/clock.ts";
import type { ProgramEnd, Running } from "./program.ts";

export interface ProgramSpec {
  /** For timers and messages: `agent 1`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Receives its output; rotated when it grows too large. */
  readonly outputFile: string;
}

/** Time from SIGTERM to SIGKILL. Ctrl-C must be done within 3 s. */
export const STOP_GRACE_MS = 2_000;
const TAIL_LINES_MAX = 20;
const LINE_CHARS_MAX = 4_096;

/**
 * Starts programs so that none outlives us: each in a process group of its own, which is killed when
 * its leader ends, and known to a reaper process, which ends the groups should this process be killed.
 */
export class Launcher {
  readonly #timers: Timers;
  readonly #reaper: ChildProcess;
  readonly #groups = new Set<number>();

  constructor(timers: Timers) {
    this.#timers = timers;
    // In a session of its own: the terminal's Ctrl-C is not for it. It ends when its input closes.
    this.#reaper = spawn("/bin/sh", [join(import.meta.dirname, "reaper.sh")], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    this.#reaper.unref();
    this.#reaper.stdin?.on("error", () => {
      // The reaper is gone: we still stop everything ourselves, only the net below is missing.
    });
  }

  launch(spec: ProgramSpec): Running {
    const child = spawn(spec.command, spec.args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    const output = new Output(spec.outputFile);
    output.read(child.stdout);
    output.read(child.stderr);
    this.#note("+", child.pid);
    const ended = new Promise<ProgramEnd>((resolve) => {
      const settle = (end: Omit<ProgramEnd, "tail">): void => {
        killGroup(child.pid, "SIGKILL");
        this.#note("-", child.pid);
        // What it printed last may still be in the pipe.
        setImmediate(() => resolve({ ...end, tail: output.close() }));
      };
      child.on("error", (error) => {
        output.add(error.message);
        settle({ code: null, signal: null });
      });
      child.on("exit", (code, signal) => settle({ code, signal }));
    });
    const stop = (): void => {
      killGroup(child.pid, "SIGTERM");
      // A stopped process (a frozen player) takes no signal until it goes on.
      killGroup(child.pid, "SIGCONT");
      const force = this.#timers.after(`start.force.${spec.name}`, STOP_GRACE_MS, () => killGroup(child.pid, "SIGKILL"));
      void ended.then(() => force.cancel());
    };
    return { ended, stop, kill: () => killGroup(child.pid, "SIGKILL") };
  }

  /** Kills everything that is running. */
  killAll(): void {
    for (const pid of this.#groups) killGroup(pid, "SIGKILL");
  }

  /** After everything was stopped: lets the reaper go. */
  close(): void {
    this.#reaper.stdin?.end();
  }

  #note(sign: "+" | "-", pid: number | undefined): void {
    if (pid === undefined) return;
    if (sign === "+") this.#groups.add(pid);
    else this.#groups.delete(pid);
    this.#reaper.stdin?.write(`${sign}${pid}\n`);
  }
}

/** A program's output: to its file, and the last lines kept for a message. */
class Output {
  readonly #file: RotatingFile;
  readonly #tail: string[] = [];

  constructor(path: string) {
    this.#file = new RotatingFile(path);
  }

  read(stream: Readable): void {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(0, LINE_CHARS_MAX);
      for (const line of lines) this.add(line.slice(0, LINE_CHARS_MAX));
    });
    stream.on("end", () => {
      if (rest !== "") this.add(rest);
    });
  }

  add(line: string): void {
    this.#file.write(`${line}\n`);
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES_MAX) this.#tail.shift();
  }

  close(): readonly string[] {
    this.#file.flush();
    return [...this.#tail];
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody is left in the group (on macOS a group of zombies alone answers EPERM), which is what was wanted.
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
