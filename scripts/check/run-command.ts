import { spawn } from "node:child_process";

/** How a command ended. For `timed-out` and `aborted`, its whole process group was ended. */
export type CommandEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "not-started"; readonly why: string }
  | { readonly kind: "timed-out"; readonly timeoutMs: number }
  | { readonly kind: "aborted" };

export interface Command {
  /** Arguments for the running Node binary. */
  readonly nodeArgs: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Grace period between SIGTERM and SIGKILL for a command that ran too long. */
export const GRACE_MS = 3_000;

/**
 * Runs a Node program with its output on this terminal. It gets its own process group, so that a hanging program
 * is ended together with everything it started, and the call returns `timed-out`. Never rejects.
 */
export function runCommand(command: Command): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command.nodeArgs, {
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
      stdio: ["ignore", "inherit", "inherit"],
      detached: true,
    });
    let forced: CommandEnd | undefined;
    const end = (why: CommandEnd): void => {
      if (forced !== undefined) return;
      forced = why;
      killGroup(child.pid, "SIGTERM");
      setTimeout(() => killGroup(child.pid, "SIGKILL"), GRACE_MS).unref();
    };
    const timer = setTimeout(() => end({ kind: "timed-out", timeoutMs: command.timeoutMs }), command.timeoutMs);
    const onAbort = (): void => end({ kind: "aborted" });
    command.signal.addEventListener("abort", onAbort, { once: true });
    const settle = (result: CommandEnd): void => {
      clearTimeout(timer);
      command.signal.removeEventListener("abort", onAbort);
      // Processes the program left running would disturb the next step.
      killGroup(child.pid, "SIGKILL");
      resolve(forced ?? result);
    };
    child.on("error", (error) => settle({ kind: "not-started", why: error.message }));
    child.on("exit", (code, signal) => {
      settle(code === null ? { kind: "killed", signal: signal ?? "unknown" } : { kind: "exited", code });
    });
    if (command.signal.aborted) onAbort();
  });
}

/** One human-readable line; empty for a clean exit. */
export function describeEnd(end: CommandEnd): string {
  switch (end.kind) {
    case "exited":
      return end.code === 0 ? "" : `ended with exit code ${end.code}`;
    case "killed":
      return `was killed by ${end.signal}`;
    case "not-started":
      return `could not be started: ${end.why}`;
    case "timed-out":
      return `was still running after ${end.timeoutMs / 1000} s and was ended`;
    case "aborted":
      return "was stopped";
  }
}

function killGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: the group has no processes left.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
