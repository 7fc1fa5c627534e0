import type { CommandLine } from "./command.ts";
import { runCli } from "./run-cli.ts";

/** Runs this process's arguments and sets its exit code. Ctrl-C aborts the command. */
export async function runOnTerminal(cli: CommandLine): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  // `vitrine logs | head` closes the pipe early; that is not an error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  const output = { out: (text: string) => process.stdout.write(`${text}\n`), err: (text: string) => process.stderr.write(`${text}\n`) };
  process.exitCode = await runCli(cli, process.argv.slice(2), output, stop.signal);
}
