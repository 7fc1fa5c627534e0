import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import type { Clock } from "../clock.ts";

/** How a conformance suite lets time pass: by advancing a virtual clock or by waiting in real time. */
export interface BenchTime {
  readonly clock: Clock;
  /** Lets time pass until `work` settles; settles the same way. */
  settled<T>(work: Promise<T>): Promise<T>;
  /** Lets `durationMs` pass. */
  pass(durationMs: number): Promise<void>;
}

/** A clock that can be advanced, such as `VirtualTime`. */
interface MovableClock extends Clock {
  settled<T>(work: Promise<T>): Promise<T>;
  advance(byMs: number): Promise<void>;
}

export function virtualBenchTime(time: MovableClock): BenchTime {
  return { clock: time, settled: (work) => time.settled(work), pass: (durationMs) => time.advance(durationMs) };
}

/** Only for real hardware and real machines, which take no injected clock. */
export function realBenchTime(): BenchTime {
  return {
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    settled: (work) => work,
    pass: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
  };
}

/** Reports in the test run what could not be tested here, and why. */
export function reportSkipped(what: string, why: string): void {
  reportLeftOut(what, why);
}
