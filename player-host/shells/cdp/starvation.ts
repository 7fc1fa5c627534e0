import { readdir, readFile } from "node:fs/promises";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";

/** How long each thread has waited for a processor while it could have run, in ms since it began, by thread id. */
export type ThreadWaits = ReadonlyMap<string, number>;

/**
 * Tells a slow machine from a page that hangs: a thread that loops runs, one that is stopped or blocked waits for nothing,
 * and one that is starved waits for a processor.
 */
export interface Starvation {
  /** Begins to measure. The answer: of the time since then, for how long the thread that waited longest for a processor did so, in ms. */
  begin(): Promise<() => Promise<number>>;
}

/** Of processes that are told anew each time; where the kernel does not count (no /proc, no schedstat) nothing is starved. */
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

/** The longest that one thread has waited between two looks. A thread that began meanwhile has waited since then. */
export function longestWaitMs(before: ThreadWaits, after: ThreadWaits): number {
  return Math.max(0, ...[...after].map(([thread, waitedMs]) => waitedMs - (before.get(thread) ?? 0)));
}

const NEVER = new AbortController().signal;
const LOOK_MS = 1_000;
/** A renderer that was not kept waiting for so long, and has still not taken the document, will not. */
const GRANTED_MS = 2_000;

export interface StuckLoad {
  readonly starvation: Starvation;
  /** The document has still not been taken. */
  readonly isStill: () => boolean;
  readonly endRenderer: () => Promise<void>;
  readonly timers: Timers;
  readonly log: Log;
}

/** Ends a renderer that does not take a document which is there, once it has had a processor for `GRANTED_MS` more. */
export async function endStuckRenderer({ starvation, isStill, endRenderer, timers, log }: StuckLoad): Promise<void> {
  try {
    for (let grantedMs = 0; grantedMs < GRANTED_MS; ) {
      const waited = await starvation.begin();
      await sleep(timers, "shell.starvation", LOOK_MS, NEVER);
      grantedMs += Math.max(0, LOOK_MS - (await waited()));
      if (!isStill()) return;
    }
    log.error({}, "a document is there and its renderer does not take it: ending the renderer");
    await endRenderer();
  } catch (thrown) {
    log.error({ error: thrown instanceof Error ? thrown.stack : String(thrown) }, "ending the renderer threw");
  }
}

/** "on the processor, waiting for it, times run": the kernel's Documentation/scheduler/sched-stats.rst, in ns. */
async function threadWaits(pid: number): Promise<readonly [string, number][]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const each = await Promise.all(threads.map(async (thread): Promise<[string, number][]> => {
    const waitedNs = Number((await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "")).split(" ")[1]);
    return Number.isNaN(waitedNs) ? [] : [[thread, waitedNs / 1e6]];
  }));
  return each.flat();
}
