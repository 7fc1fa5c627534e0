import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { makeFolder } from "../../platform/node/make-folder.ts";
import { takeProcessLock } from "../../platform/node/process-lock.ts";
import { fail, messageOf, ok, type Result } from "../tool-result.ts";

/** Creates and locks the data folder. Returns the unlock function. Errors: `start.data-unwritable`, `start.data-in-use`. */
export function takeDataFolder(folder: string): Result<() => void> {
  try {
    makeFolder(folder);
    const probe = join(folder, `.probe-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (thrown) {
    // No permission, a file in its place, a read-only disk: the system's message says which.
    return fail("start.data-unwritable", `The data folder ${folder} cannot be written (${messageOf(thrown)}).`, "Use another one: npm start -- --data DIR");
  }
  const lock = takeProcessLock(join(folder, "npm-start.lock"));
  if (lock.ok) return lock;
  if (lock.error.code === "lock.unwritable") return lock;
  const pid = /process (\d+)/.exec(lock.error.message)?.[1];
  const who = pid === undefined ? "" : `(pid ${pid})`;
  const hint = "Stop it there, or start a second one beside it: npm start -- --data DIR --port P";
  return fail("start.data-in-use", `Vitrine already runs ${who} on the data folder ${folder}.`.replace("  ", " "), hint);
}

/** Checks that the port is free. Error: `start.port`. */
export function checkPort(port: number): Promise<Result<void>> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      const message = error.code === "EADDRINUSE" ? `Port ${port} is taken by another program.` : `Port ${port} cannot be used (${error.message}).`;
      resolve(fail("start.port", message, `Use another one: npm start -- --port ${port < 65_000 ? port + 1 : 4600}`));
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(ok(undefined))));
  });
}
