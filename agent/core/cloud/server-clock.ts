import type { Clock } from "../../../platform/ports/clock.ts";

/** How fast two cheap quartz clocks run apart at worst; makes an old sample worth less than a fresh one. */
const DRIFT_RATIO = 100e-6;

interface Sample {
  /** Server time minus our monotonic time. */
  readonly offsetMs: number;
  /** Half the round trip: the sample is at most this wrong. */
  readonly errorMs: number;
  readonly atMs: number;
}

/**
 * The server's time, carried on by our monotonic clock: right although our own wall clock is at 1970
 * or steps by years. Learnt from `welcome` and `pong`; the sample with the smallest possible error is kept.
 */
export class ServerClock {
  readonly #clock: Clock;
  #best: Sample | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `askedAtMs` is the monotonic time at which the question that this answers was sent. */
  learn(serverMs: number, askedAtMs: number): void {
    const atMs = this.#clock.monotonicMs();
    const errorMs = Math.max(0, atMs - askedAtMs) / 2;
    // The server read its clock somewhere in the round trip; the middle halves the worst case.
    const sample = { offsetMs: serverMs - (atMs - errorMs), errorMs, atMs };
    const best = this.#best;
    // A server whose clock was set meanwhile contradicts what we hold by more than both may be wrong.
    const contradicted = best !== undefined && Math.abs(best.offsetMs - sample.offsetMs) > this.#errorNow(best) + errorMs;
    if (best === undefined || contradicted || errorMs <= this.#errorNow(best)) this.#best = sample;
  }

  /** Milliseconds since the epoch by the server's clock; `undefined` until a server has told it in this process. */
  serverNowMs(): number | undefined {
    return this.#best === undefined ? undefined : Math.round(this.#clock.monotonicMs() + this.#best.offsetMs);
  }

  /** Server time minus our wall clock, for `doctor`: how wrong our clock is. */
  wallErrorMs(): number | undefined {
    const serverMs = this.serverNowMs();
    return serverMs === undefined ? undefined : serverMs - this.#clock.wallMs();
  }

  /** How wrong `serverNowMs` may be. */
  uncertaintyMs(): number | undefined {
    return this.#best === undefined ? undefined : this.#errorNow(this.#best);
  }

  #errorNow(sample: Sample): number {
    return sample.errorMs + (this.#clock.monotonicMs() - sample.atMs) * DRIFT_RATIO;
  }
}
