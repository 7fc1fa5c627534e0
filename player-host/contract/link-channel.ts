import { LINK_LINE_BYTES_MAX } from "./link-messages.ts";

/**
 * One end of a connection between agent and player host. Carries whole lines in both directions, in order: a local socket
 * between two processes, or a pair of ends inside one (a panel's web page).
 */
export interface LinkChannel {
  /**
   * Sends a line to the other end; `line` is JSON without a line feed. Returns false when the channel is not open, or when more
   * than `UNSENT_BYTES_MAX` are unread by the other end, which ends the channel.
   */
  send(line: string): boolean;
  /** Ends the channel; `ended` is called with this reason. The other end gets what was sent before, unless it is far behind. */
  end(why: string): void;
}

/** Receives a channel's events. Never called before the call that created the channel has returned. */
export interface ChannelListener {
  /** The channel can be used for sending. Not called on the accepting end, whose channel is open from the start. */
  opened?(): void;
  /** A line arrived. Lines over `LINK_LINE_BYTES_MAX` are not delivered: they end the channel. */
  line(text: string): void;
  /** Called exactly once, as the last event, even if the channel never opened. `why` is for the log. */
  ended(why: string): void;
}

/** An end with more unread bytes than this counts as gone, even if its connection is open. */
export const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

/** The reason for ending a channel on which `peer` sent a line that is too long. */
export function tooLong(peer: string): string {
  return `${peer} sent a line over ${LINK_LINE_BYTES_MAX} bytes`;
}
