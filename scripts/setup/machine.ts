import { spawn } from "node:child_process";
import { access, constants, readFile } from "node:fs/promises";

/** How a program ended, with what it printed on standard output (when that was asked for). */
export interface Ran {
  /** `undefined`: not started, killed, or ended because it took too long. */
  readonly code: number | undefined;
  readonly stdout: string;
}

/** The part of the machine that set-up looks at and changes. An argument, so that tests can have any machine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  isExecutable(path: string): Promise<boolean>;
  /** `undefined` when there is no such file. */
  readText(path: string): Promise<string | undefined>;
  /** Runs a program. `show` puts its output on the terminal instead of collecting it. */
  run(command: string, args: readonly string[], options: RunOptions): Promise<Ran>;
  /** Says what is going on, one line. */
  say(line: string): void;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly show?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program asked for its version says it in a few bytes; whatever floods us is not that program. */
const STDOUT_CHARS_MAX = 64 * 1024;

export const thisMachine: Machine = {
  platform: process.platform,
  env: process.env,
  isRoot: process.getuid?.() === 0,
  isExecutable: async (path) =>
    access(path, constants.X_OK).then(
      () => true,
      () => false,
    ),
  readText: async (path) => readFile(path, "utf8").catch(() => undefined),
  run: runProgram,
  say: (line) => console.log(line),
};

function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", options.show === true ? "inherit" : "pipe", options.show === true ? "inherit" : "ignore"],
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < STDOUT_CHARS_MAX) stdout += text;
    });
    child.on("error", () => resolve({ code: undefined, stdout }));
    child.on("close", (code) => resolve({ code: code ?? undefined, stdout }));
  });
}
