import type { Limits } from "../../protocol/cloud-messages.ts";
import type { Stream } from "../../protocol/records.ts";

/** What a session offers the drain. */
export interface DrainSession {
  readonly session: string;
  /** Newest sequence number per stream when the hello was sent; records up to it are replays. */
  readonly replayUpTo: Readonly<Record<Stream, number>>;
  readonly limits: Limits;
  /** Sends one whole frame. Returns false when not sent: too large, the buffer is full, or the session is over. */
  sendFrame(frame: string): boolean;
  /** Bytes accepted but not yet on the wire. Keep this small, because pings wait behind them. */
  bufferedBytes(): number;
}

/** Empties the backlog over one session, in order of urgency, within window and limits. */
export interface SessionDrain {
  /** Runs until `signal` aborts, when the session is over. A rejection ends the session. */
  run(signal: AbortSignal): Promise<void>;
  /** The cloud acknowledged everything up to these sequence numbers; the backlog has already deleted those records. */
  stored(upTo: Partial<Readonly<Record<Stream, number>>>): void;
  /** New limits; they replace all previous ones. */
  limited(limits: Limits): void;
}

export type DrainFactory = (session: DrainSession) => SessionDrain;
