import type { Clock } from "../../../platform/ports/clock.ts";

/** Worst-case drift between two cheap quartz clocks; makes old samples count less than fresh ones. */
const DRIFT_RATIO = 100e-6;

interface Sample {
  /** Server time minus our monotonic time. */
  readonly offsetMs: number;
  /** Largest possible error: half the round trip. */
  readonly errorMs: number;
  readonly atMs: number;
}

/**
 * The server's time, extrapolated by our monotonic clock, so that it is right even while our wall clock is at 1970 or
 * steps. Learned from `welcome` and `pong`; the sample with the smallest possible error is kept.
 */
export class ServerClock {
  readonly #clock: Clock;
  #best: Sample | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `askedAtMs`: monotonic time at which the request was sent. */
  learn(serverMs: number, askedAtMs: number): void {
    const atMs = this.#clock.monotonicMs();
    const errorMs = Math.max(0, atMs - askedAtMs) / 2;
    // The server read its clock at some point of the round trip; assuming the middle halves the worst-case error.
    const sample = { offsetMs: serverMs - (atMs - errorMs), errorMs, atMs };
    const best = this.#best;
    // The samples differ by more than both errors: the server's clock was set in between.
    const contradicted = best !== undefined && Math.abs(best.offsetMs - sample.offsetMs) > this.#errorNow(best) + errorMs;
    if (best === undefined || contradicted || errorMs <= this.#errorNow(best)) this.#best = sample;
  }

  /** The server's time in milliseconds since the epoch; `undefined` until one was learned in this process. */
  serverNowMs(): number | undefined {
    return this.#best === undefined ? undefined : Math.round(this.#clock.monotonicMs() + this.#best.offsetMs);
  }

  /** Largest possible error of `serverNowMs`, in milliseconds. */
  uncertaintyMs(): number | undefined {
    return this.#best === undefined ? undefined : this.#errorNow(this.#best);
  }

  #errorNow(sample: Sample): number {
    return sample.errorMs + (this.#clock.monotonicMs() - sample.atMs) * DRIFT_RATIO;
  }
}
