import { LINK_LINE_BYTES_MAX } from "./link-messages.ts";

/**
 * One connection of the link between agent and player host, as each end of it has it: whole lines both ways, in order. A local
 * socket between two processes, or a pair of ends inside one (a panel's web page).
 */
export interface LinkChannel {
  /**
   * Hands a line to the other end; `line` is JSON and has no line feed. False: the channel is not open any more, or the other
   * end has left `UNSENT_BYTES_MAX` unread, which ends it.
   */
  send(line: string): boolean;
  /** Ends the channel; `ended` is called with this reason. */
  end(why: string): void;
}

/** What a channel tells the end that holds it. Never before the call that gave it the channel has returned. */
export interface ChannelListener {
  /** It can be sent on. Not called for the end that was connected to: its channel is open from the beginning. */
  opened?(): void;
  /** A line over `LINK_LINE_BYTES_MAX` does not come here: it ends the channel. */
  line(text: string): void;
  /** Exactly once and last, also for a channel that never opened. `why` is for the log. */
  ended(why: string): void;
}

/** An end that takes nothing for this many bytes is not there, whatever its connection says. */
export const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

/** Why a channel ended on which `peer` sent more than a line may have. */
export function tooLong(peer: string): string {
  return `${peer} sent a line over ${LINK_LINE_BYTES_MAX} bytes`;
}
