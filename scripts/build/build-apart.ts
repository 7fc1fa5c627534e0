import { fork } from "node:child_process";
import { join } from "node:path";
import { lookAtBuild, type BuildReport } from "./build.ts";

/**
 * `build` in a process of its own, which ends with it: esbuild's helper stands at 180 MB and would stay for as long as
 * its caller lives. Nothing is started when nothing changed. What esbuild has to say goes to the terminal; a build
 * that fails, or is ended by `signal`, rejects.
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
