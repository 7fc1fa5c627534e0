/** Sizes and times both ends of protocol version 1 keep. Bytes are UTF-8 bytes of the frame's text. */

export const PROTOCOL_VERSION = 1;

/** Largest frame either side accepts. A larger one is refused with `frame.too-large`. */
export const FRAME_BYTES_MAX = 256 * 1024;
/** Largest body of one record. A larger one is refused at the device, before it is accepted. */
export const RECORD_BODY_BYTES_MAX = 16 * 1024;
/** Largest desired document. */
export const DESIRED_BYTES_MAX = 32 * 1024;
/** Largest parameter object of a command. */
export const COMMAND_PARAMS_BYTES_MAX = 16 * 1024;
/** Most records in one `records` frame, before the server lowers it in `welcome.limits`. */
export const BATCH_RECORDS_MAX = 500;
/** Deepest nesting a frame may have; deeper JSON is refused with `frame.too-deep`. */
export const FRAME_DEPTH_MAX = 32;
/** The challenge must come, and the welcome must follow the hello, within this time. */
export const HANDSHAKE_TIMEOUT_MS = 15_000;
/** The device sends `ping` after this long without sending anything, unless the welcome says otherwise. Balancers cut after 30 s and more. */
export const PING_INTERVAL_MS = 25_000;
/** No frame for this many ping intervals: the link is dead, however open the socket looks. */
export const READ_DEADLINE_PINGS = 2.2;
