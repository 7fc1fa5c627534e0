import type { Socket } from "node:net";
import type { Timer, Timers } from "../../platform/ports/clock.ts";

const SECOND_MS = 1_000;

/** Limits how many lines per second are read from one peer. The rest stays in the kernel, so that the peer's writes block. */
export class SocketPace {
  readonly #socket: Socket;
  readonly #timers: Timers;
  readonly #perSecondMax: number;
  #lines = 0;
  #second: Timer | undefined;

  constructor(socket: Socket, timers: Timers, perSecondMax: number) {
    this.#socket = socket;
    this.#timers = timers;
    this.#perSecondMax = perSecondMax;
  }

  /** Counts lines that were just read. They are processed even when over the limit. */
  note(lines: number): void {
    this.#lines += lines;
    if (this.#lines > this.#perSecondMax) this.#socket.pause();
    this.#second ??= this.#timers.after("socket.pace", SECOND_MS, () => this.#next());
  }

  stop(): void {
    this.#second?.cancel();
    this.#second = undefined;
  }

  /** One chunk may hold lines for several seconds; the excess is carried over. */
  #next(): void {
    this.#second = undefined;
    this.#lines = Math.max(0, this.#lines - this.#perSecondMax);
    if (this.#lines <= this.#perSecondMax) this.#socket.resume();
    if (this.#lines > 0) this.note(0);
  }
}
