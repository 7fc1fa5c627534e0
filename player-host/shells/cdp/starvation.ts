import { readdir, readFile } from "node:fs/promises";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { stackOf } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";

/** Time each thread has spent runnable but waiting for a processor, in ms since its start, by thread id. */
export type ThreadWaits = ReadonlyMap<string, number>;

/**
 * Tells a slow machine from a page that hangs: only a starved thread waits for a processor. A looping thread runs, and a
 * stopped or blocked one is not runnable.
 */
export interface Starvation {
  /** Starts measuring. The returned function gives the longest time that one thread has waited for a processor since then, in ms. */
  begin(): Promise<() => Promise<number>>;
}

/** Measures the processes that `pids` returns at each reading. Without /proc or schedstat nothing counts as starved. */
export class ProcessStarvation implements Starvation {
  readonly #pids: () => Promise<readonly number[]>;
  readonly #clock: Clock;

  constructor(pids: () => Promise<readonly number[]>, clock: Clock) {
    this.#pids = pids;
    this.#clock = clock;
  }

  async begin(): Promise<() => Promise<number>> {
    const before = await this.#waits();
    const startedMs = this.#clock.monotonicMs();
    return async () => Math.min(longestWaitMs(before, await this.#waits()), this.#clock.monotonicMs() - startedMs);
  }

  async #waits(): Promise<ThreadWaits> {
    const each = await Promise.all((await this.#pids()).map(threadWaits));
    return new Map(each.flat());
  }
}

/** The longest wait of one thread between two readings, in ms. A thread that started in between counts from its start. */
export function longestWaitMs(before: ThreadWaits, after: ThreadWaits): number {
  return Math.max(0, ...[...after].map(([thread, waitedMs]) => waitedMs - (before.get(thread) ?? 0)));
}

const NEVER = new AbortController().signal;
const LOOK_MS = 1_000;
/** A renderer that had a processor for this long and still has not committed the document never will. */
const GRANTED_MS = 2_000;

export interface StuckLoad {
  readonly starvation: Starvation;
  /** The document is still not committed. */
  readonly isStill: () => boolean;
  readonly endRenderer: () => Promise<void>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** Ends a renderer that does not commit a document that has arrived, after it had a processor for `GRANTED_MS` more. */
export async function endStuckRenderer({ starvation, isStill, endRenderer, clock, timers, log }: StuckLoad): Promise<void> {
  try {
    for (let grantedMs = 0; grantedMs < GRANTED_MS; ) {
      const waited = await starvation.begin();
      const startedMs = clock.monotonicMs();
      await sleep(timers, "shell.starvation", LOOK_MS, NEVER);
      const waitedMs = await waited();
      // On a busy machine a look takes longer than asked for, and the wait is that of the whole look.
      grantedMs += Math.max(0, clock.monotonicMs() - startedMs - waitedMs);
      if (!isStill()) return;
    }
    log.error({}, "the renderer does not commit a document that has arrived: ending the renderer");
    await endRenderer();
  } catch (thrown) {
    log.error({ error: stackOf(thrown) }, "ending the renderer threw");
  }
}

/** `schedstat` has time on the processor and time waiting for one, in ns (kernel: Documentation/scheduler/sched-stats.rst). */
async function threadWaits(pid: number): Promise<readonly [string, number][]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const each = await Promise.all(threads.map(async (thread): Promise<[string, number][]> => {
    const waitedNs = Number((await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "")).split(" ")[1]);
    return Number.isNaN(waitedNs) ? [] : [[thread, waitedNs / 1e6]];
  }));
  return each.flat();
}
