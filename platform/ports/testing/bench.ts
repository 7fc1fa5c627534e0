import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import type { Clock } from "../clock.ts";

/** How a conformance suite lets time pass: a virtual clock is moved, real time is waited for. */
export interface BenchTime {
  readonly clock: Clock;
  /** The outcome of `work`, letting as much time pass as it needs. */
  settled<T>(work: Promise<T>): Promise<T>;
  /** Lets `durationMs` pass. */
  pass(durationMs: number): Promise<void>;
}

/** The moving half of a virtual clock; `VirtualTime` is one. */
interface MovableClock extends Clock {
  settled<T>(work: Promise<T>): Promise<T>;
  advance(byMs: number): Promise<void>;
}

export function virtualBenchTime(time: MovableClock): BenchTime {
  return { clock: time, settled: (work) => time.settled(work), pass: (durationMs) => time.advance(durationMs) };
}

/** For real hardware and real machines alone: there is no clock to pass in. */
export function realBenchTime(): BenchTime {
  return {
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    settled: (work) => work,
    pass: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
  };
}

/** Says aloud, in the test run, what could not be tested here and why. */
export function reportSkipped(what: string, why: string): void {
  reportLeftOut(what, why);
}
