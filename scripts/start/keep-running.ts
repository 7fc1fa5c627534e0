import { EXIT } from "../../agent/node/exit-codes.ts";
import type { Clock, Timers } from "../../platform/ports/clock.ts";
import type { Random } from "../../platform/ports/random.ts";
import { retryDelayMs, type RetryPolicy } from "../../platform/runtime/retry-schedule.ts";
import { sleep } from "../../platform/runtime/sleep.ts";
import { describeEnd, type ProgramEnd, type StartProgram } from "./program.ts";

export interface KeepDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Prints one line (or a few, indented). */
  readonly say: (line: string) => void;
}

export interface Run {
  readonly end: ProgramEnd;
  readonly ranMs: number;
}

const RESTART: RetryPolicy = { firstMs: 500, factor: 2, capMs: 30_000, floorMs: 200 };
/** A program that ran this long started well: its backoff is reset. */
const STABLE_AFTER_MS = 30_000;
/** A restart requested sooner than this after a start counts as a loop. */
const AT_ONCE_AFTER_MS = 1_000;

const LAST_LINES_MAX = 5;

/** The reason with which a signal aborts when the power is cut; any other reason means an orderly end. */
export const POWER_CUT = "power-cut";

/** Starts a program and waits for its end; `power` aborting ends it. */
export async function runOnce(start: StartProgram, power: AbortSignal, clock: Clock): Promise<Run> {
  const startedMs = clock.monotonicMs();
  const running = start();
  const off = (): void => (power.reason === POWER_CUT ? running.kill() : running.stop());
  power.addEventListener("abort", off, { once: true });
  const end = await running.ended;
  power.removeEventListener("abort", off);
  return { end, ranMs: clock.monotonicMs() - startedMs };
}

/** Resolves to true once the just started program answers, to false when `signal` aborts first. */
export type ProgramUp = (signal: AbortSignal) => Promise<boolean>;

/**
 * Keeps a program running until `power` aborts or its exit code says that its configuration is wrong. Reports each end, and
 * that the program is up again.
 */
export async function keepRunning(what: string, start: StartProgram, up: ProgramUp, deps: KeepDeps, power: AbortSignal): Promise<void> {
  const pause = new RestartPause(what, deps);
  for (let first = true; !power.aborted; first = false) {
    const over = new AbortController();
    const looked = first ? undefined : sayUpAgain(what, up, deps, AbortSignal.any([power, over.signal]));
    const run = await runOnce(start, power, deps.clock);
    over.abort();
    await looked;
    if (power.aborted) return;
    if (run.end.code === EXIT.badConfiguration) {
      deps.say(`${what} is not restarted: its configuration is wrong${lastWords(run.end)}`);
      return;
    }
    await pause.wait(run, run.end.code === EXIT.restart, power);
  }
}

async function sayUpAgain(what: string, up: ProgramUp, { say }: KeepDeps, signal: AbortSignal): Promise<void> {
  if ((await up(signal)) && !signal.aborted) say(`${what} is up again`);
}

/** The growing delay between two runs of a program. */
export class RestartPause {
  readonly #what: string;
  readonly #deps: KeepDeps;
  #attempt = 0;

  constructor(what: string, deps: KeepDeps) {
    this.#what = what;
    this.#deps = deps;
  }

  /** `atOnce`: it requested a restart, which needs no delay unless it does so in a loop. */
  async wait({ end, ranMs }: Run, atOnce: boolean, signal: AbortSignal): Promise<void> {
    const { timers, random, say } = this.#deps;
    if (ranMs >= STABLE_AFTER_MS) this.#attempt = 0;
    if (atOnce && ranMs >= AT_ONCE_AFTER_MS) {
      say(`${this.#what} restarts at its own request`);
      return;
    }
    const delayMs = retryDelayMs(RESTART, this.#attempt, random);
    this.#attempt += 1;
    say(`${this.#what} ended (${describeEnd(end)}); it restarts in ${(delayMs / 1_000).toFixed(1)} s${lastWords(end)}`);
    await sleep(timers, `start.restart.${this.#what}`, delayMs, signal);
  }
}

/** The last lines that a program printed, without stack frames, for a message about its failure. */
export function lastWords(end: ProgramEnd): string {
  if (end.code === 0 || end.signal === "SIGKILL") return "";
  const telling = end.tail.filter((line) => line.trim() !== "" && !/^\s+at |^Node\.js v/.test(line));
  const lines = telling.slice(-LAST_LINES_MAX);
  return lines.map((line) => `\n    ${line}`).join("");
}
