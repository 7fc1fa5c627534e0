import { takeProcessLock } from "../../platform/node/process-lock.ts";
import { fail, ok, type Result } from "../../platform/ports/result.ts";

/** Held as long as this host runs on its data folder. */
export interface InstanceLock {
  release(): Promise<void>;
}

/**
 * One host per data folder. Errors: `host.already-running`, `host.lock-contended`, and `host.lock-unwritable` where the
 * disk takes no lock: no reason for a dark screen.
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
