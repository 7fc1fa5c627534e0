import type { Clock, Timer, Timers } from "../../platform/ports/clock.ts";

export interface PipeNature {
  readonly latencyMs: number;
  readonly bytesPerMs: number;
}

/** One direction of a connection: what goes in comes out in order, later, or never. */
export class Pipe {
  readonly #time: Clock & Timers;
  readonly #name: string;
  readonly #nature: PipeNature;
  readonly #deliver: (frame: string) => void;
  #queue: { readonly frame: string; readonly dueMs: number }[] = [];
  #timer: Timer | undefined;
  #lastDueMs = 0;
  #heldUntilMs = 0;
  #paused = false;
  #swallows = false;
  #atEnd: (() => void) | undefined;
  bytes = 0;

  constructor(time: Clock & Timers, name: string, nature: PipeNature, deliver: (frame: string) => void) {
    this.#time = time;
    this.#name = name;
    this.#nature = nature;
    this.#deliver = deliver;
  }

  get swallows(): boolean {
    return this.#swallows;
  }

  send(frame: string): void {
    this.bytes += frame.length;
    // What the other side never reads stays in the buffers of this one.
    if (this.#swallows) return;
    const { latencyMs, bytesPerMs } = this.#nature;
    const onWireMs = this.#lastDueMs - latencyMs;
    const startMs = Math.max(this.#time.monotonicMs(), onWireMs);
    this.#lastDueMs = startMs + Math.ceil(frame.length / bytesPerMs) + latencyMs;
    this.#queue.push({ frame, dueMs: this.#lastDueMs });
    this.#arm();
  }

  /** Nothing comes out of it any more. */
  swallow(): void {
    this.#swallows = true;
    this.#queue = [];
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#atEnd = undefined;
  }

  hold(durationMs: number): void {
    this.#heldUntilMs = this.#time.monotonicMs() + durationMs;
    this.#rearm();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#rearm();
  }

  /** Nothing more goes in; calls back once everything came out, which in a dead pipe is never. */
  end(done: () => void): void {
    if (this.#swallows) return;
    this.#atEnd = done;
    this.#rearm();
  }

  #rearm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#swallows || this.#paused) return;
    const head = this.#queue[0];
    if (head === undefined && this.#atEnd === undefined) return;
    const nowMs = this.#time.monotonicMs();
    const dueMs = Math.max(head?.dueMs ?? nowMs + this.#nature.latencyMs, this.#heldUntilMs);
    this.#timer = this.#time.after(this.#name, Math.max(0, dueMs - nowMs), () => {
      this.#timer = undefined;
      this.#fire();
    });
  }

  #fire(): void {
    const head = this.#queue.shift();
    if (head === undefined) {
      const done = this.#atEnd;
      this.#atEnd = undefined;
      done?.();
      return;
    }
    this.bytes -= head.frame.length;
    this.#deliver(head.frame);
    this.#arm();
  }
}
