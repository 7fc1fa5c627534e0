/** One open connection to a device, as a session sees it. The server wraps a socket; a simulation wraps its own link. */
export interface Connection {
  /** Address of the other side, for people. */
  readonly remote: string;
  /** Sends one text frame. After `close` it does nothing. */
  send(text: string): void;
  /** Sends one binary frame; only misbehaviour does. */
  sendBinary(bytes: Uint8Array): void;
  /** Ends the connection in order, with a WebSocket close code. */
  close(code: number, reason: string): void;
  /** Cuts the connection without a word. */
  cut(): void;
  /** Reads nothing more until `resume`: back-pressure. */
  pause(): void;
  resume(): void;
  /** Bytes handed to `send` that have not left yet. */
  bufferedBytes(): number;
}
