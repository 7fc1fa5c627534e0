import { randomFillSync } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Clock, Timers } from "../ports/clock.ts";
import type { StorageTrial } from "../ports/machine-facts.ts";
import { failed, seen, unknown, type Reading } from "../ports/reading.ts";
import { messageOf, ok } from "../ports/result.ts";
import { type CallThreads, KernelCalls, NO_THREAD } from "./kernel/kernel-calls.ts";

/** A card that takes longer hangs. Worn-out cards were reported to stall for seconds while they clean up. */
export const TRIAL_DEADLINE_MS = 30_000;
const BLOCK_BYTES = 4_096;
const { O_RDWR, O_CREAT, O_DIRECT, O_DSYNC, O_NOFOLLOW } = constants;

export interface StorageTrialDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The file that is overwritten in place. */
  readonly path: string;
  /** Replaces `open` of node:fs/promises in tests. */
  readonly openFile?: typeof open;
  /** Shared with the calls of all drivers. */
  readonly threads?: CallThreads;
}

/**
 * Writes a block and reads it back, past the page cache where the file system can (O_DIRECT). A disk that hangs keeps one of
 * Node's four threads until the kernel lets it go, as a driver does, so it counts as one.
 */
export class LinuxStorageTrial {
  readonly #deps: StorageTrialDeps;
  readonly #calls: KernelCalls;

  constructor(deps: StorageTrialDeps) {
    this.#deps = deps;
    const { timers, threads } = deps;
    this.#calls = new KernelCalls(timers, "storage-trial", { deadlineMs: TRIAL_DEADLINE_MS, ...(threads !== undefined && { threads }) });
  }

  async run(): Promise<Reading<StorageTrial>> {
    const { path } = this.#deps;
    try {
      const trial = await this.#calls.run(async () => ok(await this.#try()));
      if (trial.ok) return trial.value;
      return trial.error.name === NO_THREAD ? unknown("the storage was not tried, because drivers hang") : hangs(path);
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
      if (code === "ENOSPC" || code === "EDQUOT") return unknown("no space is left for the trial's block");
      return failed({ code: "disk.unwritable", message: `${path}: ${messageOf(thrown)}` });
    }
  }

  async #try(): Promise<Reading<StorageTrial>> {
    try {
      return await this.#attempt(true);
    } catch (thrown) {
      // EINVAL: this file system has no O_DIRECT, such as tmpfs.
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EINVAL")) throw thrown;
      return this.#attempt(false);
    }
  }

  async #attempt(fromDisk: boolean): Promise<Reading<StorageTrial>> {
    const { clock, path, openFile = open } = this.#deps;
    const file = await openFile(path, O_RDWR | O_CREAT | O_DSYNC | O_NOFOLLOW | (fromDisk ? O_DIRECT : 0), 0o600);
    try {
      const written = page();
      randomFillSync(written);
      const startMs = clock.monotonicMs();
      const { bytesWritten } = await file.write(written, 0, BLOCK_BYTES, 0);
      const writtenMs = clock.monotonicMs();
      const read = page();
      const { bytesRead } = await file.read(read, 0, BLOCK_BYTES, 0);
      const readMs = clock.monotonicMs();
      if (bytesWritten !== BLOCK_BYTES) return failed({ code: "disk.unwritable", message: `${path}: only ${bytesWritten} of ${BLOCK_BYTES} bytes were written` });
      if (bytesRead !== BLOCK_BYTES || written.some((byte, index) => byte !== read[index])) return failed({ code: "disk.wrong-data", message: `${path}: the disk returned other data than was written` });
      return seen({ writeMs: writtenMs - startMs, readMs: readMs - writtenMs, fromDisk }, readMs);
    } finally {
      await file.close();
    }
  }
}

/** Not among the types of Node's globals. */
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: { readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer } } };

/** O_DIRECT needs memory that begins on a page; WebAssembly's is the only one JavaScript gets that does. */
function page(): Uint8Array {
  return new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer, 0, BLOCK_BYTES);
}

function hangs(path: string): Reading<never> {
  return failed({ code: "disk.hangs", message: `${path}: the disk did not answer within ${TRIAL_DEADLINE_MS / 1_000} s` });
}
