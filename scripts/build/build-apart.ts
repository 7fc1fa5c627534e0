import { fork } from "node:child_process";
import { join } from "node:path";
import { lookAtBuild, type BuildReport } from "./build.ts";

/**
 * `build` in a child process, because esbuild's helper takes 180 MB and lives as long as its caller. Starts nothing when
 * nothing changed. esbuild prints to the terminal. Rejects when the build fails or `signal` ends it.
 */
export async function buildApart(root: string, signal?: AbortSignal): Promise<BuildReport> {
  const { fresh, missing } = await lookAtBuild(root);
  if (fresh) return { fresh, written: [], missing };
  const child = fork(join(import.meta.dirname, "build-child.ts"), [root], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [], signal });
  return new Promise((resolve, reject) => {
    let report: BuildReport | undefined;
    child.on("message", (message) => (report = message as BuildReport));
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0 && report !== undefined) resolve(report);
      else reject(new Error(`the build ended with ${signal ?? `exit code ${code}`}; its message is above`));
    });
  });
}
