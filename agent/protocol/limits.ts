/** Size and time limits of protocol version 1, for both ends. Bytes are UTF-8 bytes of the frame's text. */

export const PROTOCOL_VERSION = 1;

/** Largest frame either side accepts. A larger one is refused with `frame.too-large`. */
export const FRAME_BYTES_MAX = 256 * 1024;
/** Largest body of one record. A larger one is refused on the device before it is accepted. */
export const RECORD_BODY_BYTES_MAX = 16 * 1024;
/** Largest desired document. */
export const DESIRED_BYTES_MAX = 32 * 1024;
/** Largest parameter object of a command. */
export const COMMAND_PARAMS_BYTES_MAX = 16 * 1024;
/** Maximum records in one `records` frame, unless `welcome.limits` lowers it. */
export const BATCH_RECORDS_MAX = 500;
/** Maximum JSON nesting of a frame; deeper JSON is refused with `frame.too-deep`. */
export const FRAME_DEPTH_MAX = 32;
/** Time limit for the challenge, and for the welcome after the hello. */
export const HANDSHAKE_TIMEOUT_MS = 15_000;
/**
 * The device sends `ping` after this long without sending, unless the welcome sets another interval. Load balancers cut
 * idle connections after 30 s or more.
 */
export const PING_INTERVAL_MS = 25_000;
/** The link counts as dead after this many ping intervals without a frame, however open the socket looks. */
export const READ_DEADLINE_PINGS = 2.2;
