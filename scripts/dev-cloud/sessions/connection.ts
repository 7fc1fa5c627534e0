/** One open connection to a device, wrapping a socket in the server and a simulated link in a simulation. */
export interface Connection {
  /** Remote address, for display. */
  readonly remote: string;
  /** Sends one text frame. Does nothing after `close`. */
  send(text: string): void;
  /** Sends one binary frame; used only by misdeeds. */
  sendBinary(bytes: Uint8Array): void;
  /** Closes the connection with a WebSocket close code. */
  close(code: number, reason: string): void;
  /** Drops the connection without a close frame. */
  cut(): void;
  /** Stops reading until `resume` (back-pressure). */
  pause(): void;
  resume(): void;
  /** Bytes passed to `send` that are not yet on the wire. */
  bufferedBytes(): number;
}
