import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { utf8 } from "../../../platform/runtime/encoding.ts";
import type { Connection } from "./connection.ts";
import type { Misbehaviour } from "./misbehaviour.ts";

/** A device that falls this far behind is disconnected; on reconnecting it gets everything that matters. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;
const NONSENSE = '{"t":["nonsense"],"\\u0000":1e999,';

/** Sends a session's frames: counts bytes, limits buffering and applies misbehaviour. */
export class FrameSender {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #misbehaviour: () => Misbehaviour;
  #lastDueMs = 0;
  #delayed = 0;
  #closed = false;
  bytesOut = 0;

  constructor(
    connection: Connection,
    deps: { readonly clock: Clock; readonly timers: Timers },
    misbehaviour: () => Misbehaviour,
  ) {
    this.#connection = connection;
    this.#clock = deps.clock;
    this.#timers = deps.timers;
    this.#misbehaviour = misbehaviour;
  }

  send(text: string): void {
    const { slowMs, halfOpen } = this.#misbehaviour();
    if (this.#closed || halfOpen === true) return;
    if (slowMs === undefined && this.#delayed === 0) {
      this.#write(text);
      return;
    }
    this.#later(slowMs ?? 0, () => this.#write(text));
  }

  sendBinary(bytes: Uint8Array): void {
    if (!this.#closed) this.#connection.sendBinary(bytes);
  }

  /** Discards delayed frames and sends nothing more. */
  stop(): void {
    this.#closed = true;
  }

  #write(text: string): void {
    if (this.#closed) return;
    this.bytesOut += utf8(text).length;
    this.#connection.send(text);
    if (this.#misbehaviour().nonsense === true) this.#connection.send(NONSENSE);
    if (this.#connection.bufferedBytes() > BUFFERED_BYTES_MAX) this.#connection.cut();
  }

  /** Delays a frame. Frames keep their order even when the delay changes. */
  #later(delayMs: number, write: () => void): void {
    const nowMs = this.#clock.monotonicMs();
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + delayMs);
    this.#delayed += 1;
    this.#timers.after("cloud.slow-send", this.#lastDueMs - nowMs, () => {
      this.#delayed -= 1;
      write();
    });
  }
}
