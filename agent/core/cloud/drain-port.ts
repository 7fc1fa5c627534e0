import type { Limits } from "../../protocol/cloud-messages.ts";
import type { Stream } from "../../protocol/records.ts";

/** What a session offers the drain. */
export interface DrainSession {
  readonly session: string;
  /** Newest number per stream when the hello was said: up to it, a record is a replay. */
  readonly replayUpTo: Readonly<Record<Stream, number>>;
  readonly limits: Limits;
  /** Hands over one whole frame. Returns false when not sent, because the buffer is full or the session is over. */
  sendFrame(frame: string): boolean;
  /** Bytes handed over and not yet on the wire. A ping waits behind them: keep this small. */
  bufferedBytes(): number;
}

/** Empties the backlog over one session, in order of urgency, within window and limits. */
export interface SessionDrain {
  /** Ends when `signal` aborts (the session is over). Throwing ends the session. */
  run(signal: AbortSignal): Promise<void>;
  /** The cloud stored everything up to these numbers; the backlog has already deleted them. */
  stored(upTo: Partial<Readonly<Record<Stream, number>>>): void;
  /** New limits; they replace all previous ones. */
  limited(limits: Limits): void;
}

export type DrainFactory = (session: DrainSession) => SessionDrain;
