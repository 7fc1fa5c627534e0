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
 * Starts programs so that none outlives us. Each has its own process group, which is killed when its leader ends; a reaper
 * process ends the groups if this process is killed.
 */
export class Launcher {
  readonly #timers: Timers;
  readonly #reaper: ChildProcess;
  readonly #groups = new Set<number>();

  constructor(timers: Timers) {
    this.#timers = timers;
    // In its own session, so that the terminal's Ctrl-C does not reach it. It ends when its input closes.
    this.#reaper = spawn("/bin/sh", [join(import.meta.dirname, "reaper.sh")], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    this.#reaper.unref();
    this.#reaper.stdin?.on("error", () => {
      // The reaper is gone. Only the safety net is missing: we still stop everything ourselves.
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
        // Its last output may still be in the pipe.
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
      // A stopped process (a frozen player) handles no signal until it continues.
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

  /** Ends the reaper. Call it after everything has stopped. */
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

/** A program's output: written to its file, with the last lines kept for a message. */
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
    // The group has ended (on macOS a group of zombies gives EPERM).
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
