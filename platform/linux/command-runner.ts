import { execFile } from "node:child_process";
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

export const runCommand: CommandRunner = (program, args, timeoutMs, input) =>
  new Promise((resolve) => {
    // Answers are parsed, so they must not be translated: glibc before 2.39 obeys LANGUAGE also in C.UTF-8. In plain C, programs
    // print "?" for every letter outside ASCII.
    const env = { ...process.env, LC_ALL: "C.UTF-8", LANGUAGE: "" };
    const child = execFile(
      program,
      [...args],
      { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_BYTES_MAX, env },
      (error, stdout, stderr) => {
        if (error === null) return resolve(ok(stdout));
        if (error.code === "ENOENT") return resolve(fail("program.missing", `there is no program ${program}`));
        if (error.killed === true) return resolve(fail("program.timed-out", `${program} was still running after ${timeoutMs} ms`));
        if (input !== undefined) return resolve(fail("program.failed", `${program} ${args.join(" ")} ended with ${error.code ?? "a signal"}`));
        const said = (stderr.trim() || stdout.trim() || error.message).slice(-MESSAGE_CHARS_MAX);
        return resolve(fail("program.failed", `${program} ${args.join(" ")}: ${said}`));
      },
    );
    if (input === undefined) return;
    // A program that ends before reading all input is judged by its exit code.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
