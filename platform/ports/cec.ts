import type { Result } from "./result.ts";

/** A CEC message after the header block: opcode and operands. HDMI 1.4b, CEC 13: at most 15 bytes in all. */
export interface CecMessage {
  /** Logical address of the receiver, 0 (TV) to 15 (broadcast). */
  readonly destination: number;
  /** 0x00 to 0xff; `undefined` is a polling message. */
  readonly opcode?: number;
  /** At most 14 bytes. */
  readonly operands: Uint8Array;
}

export interface CecReply {
  /** The bus acknowledged our frame (for a broadcast: no device rejected it). */
  readonly acknowledged: boolean;
  /** The reply, if the message expects one and it arrived in time. */
  readonly reply?: { readonly opcode: number; readonly operands: Uint8Array };
}

/** A message of another device on the bus. */
export interface HeardMessage {
  /** Logical address of the sender. */
  readonly source: number;
  /** Ours, or 15 if it is for everybody. */
  readonly destination: number;
  readonly opcode: number;
  readonly operands: Uint8Array;
}

/** A bus and the output it belongs to, such as `HDMI-A-1`, if the driver says which. */
export interface CecBus {
  readonly output?: string;
  readonly cec: Cec;
}

/**
 * The HDMI-CEC bus. Errors: `cec.unplugged` (no physical address),
 * `cec.bus` (arbitration lost, line error, or the adapter is gone), `cec.no-access` (missing permission), `cec.bad-message`.
 * A frame that no device acknowledges is a success with `acknowledged: false`: the TV did not react, the bus works.
 */
export interface Cec {
  /**
   * Sends one message and waits at most `replyTimeoutMs` (the CEC limit is 1,000) for the reply. A message without a reply
   * can be refused by Feature Abort, some 20 ms after it was acknowledged: with a timeout that refusal is the reply.
   */
  send(message: CecMessage, replyTimeoutMs: number): Promise<Result<CecReply>>;
  /** Our place on the cable: 0x2000 is HDMI 2 of the TV, 0x2100 the first input of a switch on it. Absent if the bus does not tell. */
  physicalAddress?(): Promise<Result<number>>;
  /** Calls back for messages of other devices that are for us or for everybody. Absent if the bus cannot be listened to. Returns the unsubscribe function. */
  onMessage?(heard: (message: HeardMessage) => void): () => void;
}
