import { execFile, type ExecFileException } from "node:child_process";
import { fail, ok, type Result } from "../ports/result.ts";

/**
 * Runs a program without a shell and returns its standard output. Errors: `program.missing` (no such program),
 * `program.timed-out` (killed), `program.failed` (exit code other than 0; the message ends with what it wrote).
 *
 * `input` goes to the program's standard input. Pass secrets this way, since every user of the machine can read arguments.
 * No message repeats the input or the program's response to it.
 */
export type CommandRunner = (program: string, args: readonly string[], timeoutMs: number, input?: string) => Promise<Result<string>>;

const OUTPUT_BYTES_MAX = 1_048_576;
const MESSAGE_CHARS_MAX = 300;

export const runCommand: CommandRunner = commandRunner({});

/** A runner whose programs get these environment variables as well. */
export function commandRunner(variables: Readonly<Record<string, string>>): CommandRunner {
  return (program, args, timeoutMs, input) => new Promise((resolve) => {
    const options = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_BYTES_MAX, env: environment(variables) } as const;
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve(ok(stdout));
      if (input !== undefined && error.code !== "ENOENT" && error.killed !== true) return resolve(fail("program.failed", `${program} ${args.join(" ")} ended with ${error.code ?? "a signal"}`));
      return resolve(failureOf(program, args, timeoutMs, error, stderr.trim() || stdout.trim()));
    });
    if (input === undefined) return;
    // A program that ends before reading all input is judged by its exit code.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** As `runCommand`, for a program that writes bytes, with variables for its environment. More than `bytesMax` is `program.failed`. */
export function runForBytes(
  program: string,
  args: readonly string[],
  { timeoutMs, bytesMax, environment: variables }: { readonly timeoutMs: number; readonly bytesMax: number; readonly environment: Readonly<Record<string, string>> },
): Promise<Result<Uint8Array>> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: bytesMax, env: environment(variables), encoding: "buffer" } as const;
    execFile(program, [...args], options, (error, stdout, stderr) => resolve(error === null ? ok(stdout) : failureOf(program, args, timeoutMs, error, stderr.toString().trim())));
  });
}

/**
 * Answers are parsed, so they must not be translated: glibc before 2.39 obeys LANGUAGE also in C.UTF-8. In plain C, programs
 * print "?" for every letter outside ASCII.
 */
function environment(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...variables, LC_ALL: "C.UTF-8", LANGUAGE: "" };
}

function failureOf(program: string, args: readonly string[], timeoutMs: number, error: ExecFileException, said: string): Result<never> {
  if (error.code === "ENOENT") return fail("program.missing", `there is no program ${program}`);
  if (error.killed === true && error.code !== "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return fail("program.timed-out", `${program} was still running after ${timeoutMs} ms`);
  return fail("program.failed", `${program} ${args.join(" ")}: ${(said || error.message).slice(-MESSAGE_CHARS_MAX)}`);
}
