import { takeProcessLock } from "../../platform/node/process-lock.ts";
import { fail, ok, type Result } from "../../platform/ports/result.ts";

/** The lock on a data folder, held while the host runs. */
export interface InstanceLock {
  release(): Promise<void>;
}

/**
 * Ensures one host per data folder. Errors: `host.already-running`, `host.lock-contended`, and `host.lock-unwritable` when
 * the lock cannot be written, which must not keep the screen dark.
 */
export function takeInstanceLock(path: string): Promise<Result<InstanceLock>> {
  const lock = takeProcessLock(path);
  if (lock.ok) {
    const release = (): Promise<void> => {
      lock.value();
      return Promise.resolve();
    };
    return Promise.resolve(ok({ release }));
  }
  const { code, message } = lock.error;
  if (code === "lock.held") return Promise.resolve(fail("host.already-running", `A player host already runs on this data folder: ${message}.`, "Stop it first, or use another data folder."));
  if (code === "lock.contended") return Promise.resolve(fail("host.lock-contended", message));
  return Promise.resolve(fail("host.lock-unwritable", message));
}
