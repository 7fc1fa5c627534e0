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
  /** The bus acknowledged our frame (for a broadcast: nobody rejected it). */
  readonly acknowledged: boolean;
  /** The answer, where the message has one and it came in time. */
  readonly reply?: { readonly opcode: number; readonly operands: Uint8Array };
}

/**
 * The HDMI-CEC bus. Errors: `cec.unplugged` (no physical address),
 * `cec.bus` (arbitration lost or line error), `cec.bad-message`.
 * A frame that nobody acknowledges is a success with `acknowledged: false`: the TV is deaf, the bus is fine.
 */
export interface Cec {
  /** Sends one message and waits at most `replyTimeoutMs` (CEC's own limit is 1,000) for its answer. */
  send(message: CecMessage, replyTimeoutMs: number): Promise<Result<CecReply>>;
}
