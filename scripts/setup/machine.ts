import { spawn } from "node:child_process";
import { access, constants, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** How a program ended, with its standard output unless that was shown. */
export interface Ran {
  /** `undefined`: not started, killed, or timed out. */
  readonly code: number | undefined;
  readonly stdout: string;
}

/** The part of the machine that set-up reads and changes. Passed as an argument, so that tests can replace it. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: NodeJS.Architecture;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  /** Wall clock. */
  nowMs(): number;
  isExecutable(path: string): Promise<boolean>;
  /** `undefined` when there is no such file. */
  readText(path: string): Promise<string | undefined>;
  /** Creates the file's folder too. Returns false when the write fails. */
  writeText(path: string, text: string): Promise<boolean>;
  /** Names in a folder; empty when there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Wall time of the last change, ms; `undefined` when there is no such file. */
  changedMs(path: string): Promise<number | undefined>;
  /** Resolves links; returns the same path when the file does not exist. */
  realPath(path: string): Promise<string>;
  /** Creates an empty folder, replacing an existing one. */
  emptyFolder(path: string): Promise<void>;
  /** Runs a program. `show` puts its output on the terminal instead of collecting it. */
  run(command: string, args: readonly string[], options: RunOptions): Promise<Ran>;
  /** Prints one line of progress. */
  say(line: string): void;
}

export interface RunOptions {
  /** After this the program is killed. */
  readonly timeoutMs: number;
  readonly show?: boolean;
  /** Progress line, repeated every few seconds while it runs. */
  readonly progress?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Versions and package lists are short; more output is not kept. */
const STDOUT_CHARS_MAX = 64 * 1024;
const PROGRESS_EVERY_MS = 5_000;

export const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  env: process.env,
  isRoot: process.getuid?.() === 0,
  nowMs: () => Date.now(),
  isExecutable: async (path) =>
    access(path, constants.X_OK).then(
      () => true,
      () => false,
    ),
  readText: async (path) => readFile(path, "utf8").catch(() => undefined),
  writeText: async (path, text) =>
    mkdir(dirname(path), { recursive: true })
      .then(() => writeFile(path, text))
      .then(
        () => true,
        () => false,
      ),
  list: async (folder) => readdir(folder).catch(() => []),
  changedMs: async (path) =>
    stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    ),
  realPath: async (path) => realpath(path).catch(() => path),
  emptyFolder: async (path) => {
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
  },
  run: runProgram,
  say: (line) => console.log(line),
};

function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { show = false, progress, cwd, timeoutMs } = options;
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const child = spawn(command, args, {
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "ignore"],
      env: { ...process.env, ...options.env },
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      ...(cwd === undefined ? {} : { cwd }),
    });
    const seconds = (): number => Math.round((performance.now() - startedMs) / 1_000);
    const heartbeat = progress === undefined ? undefined : setInterval(() => console.log(`  … still ${progress} (${seconds()} s)`), PROGRESS_EVERY_MS);
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < STDOUT_CHARS_MAX) stdout += text;
    });
    const settle = (code: number | undefined): void => {
      clearInterval(heartbeat);
      resolve({ code, stdout });
    };
    child.on("error", () => settle(undefined));
    child.on("close", (code) => settle(code ?? undefined));
  });
}
