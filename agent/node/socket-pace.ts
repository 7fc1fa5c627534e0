import type { Socket } from "node:net";
import type { Timer, Timers } from "../../platform/ports/clock.ts";

const SECOND_MS = 1_000;

/** Reads no more lines of one peer in a second than it is allowed: the rest stays in the kernel, and the peer's own writes wait. */
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

  /** So many lines were just read; they are worked on all the same. */
  note(lines: number): void {
    this.#lines += lines;
    if (this.#lines > this.#perSecondMax) this.#socket.pause();
    this.#second ??= this.#timers.after("socket.pace", SECOND_MS, () => this.#next());
  }

  stop(): void {
    this.#second?.cancel();
    this.#second = undefined;
  }

  /** A chunk may hold the lines of several seconds, which are paid for. */
  #next(): void {
    this.#second = undefined;
    this.#lines = Math.max(0, this.#lines - this.#perSecondMax);
    if (this.#lines <= this.#perSecondMax) this.#socket.resume();
    if (this.#lines > 0) this.note(0);
  }
}
