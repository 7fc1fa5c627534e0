/**
 * Bytes of a text message as one WebSocket frame (RFC 6455, section 5.2): header, length, mask (for clients) and text.
 * Without the overhead of TCP, IP and TLS.
 */
export function frameBytes(textBytes: number, masked: boolean): number {
  const length = textBytes <= 125 ? 0 : textBytes <= 65_535 ? 2 : 8;
  return 2 + length + (masked ? 4 : 0) + textBytes;
}

/** Traffic of a link by direction. */
export interface WireCount {
  readonly framesUp: number;
  readonly bytesUp: number;
  readonly framesDown: number;
  readonly bytesDown: number;
}

export class WireCounter {
  #count = { framesUp: 0, bytesUp: 0, framesDown: 0, bytesDown: 0 };
  /** Bytes by message type, marked `↑` (up) or `↓` (down). */
  readonly byType = new Map<string, number>();

  up(text: string): void {
    const bytes = frameBytes(Buffer.byteLength(text), true);
    this.#count.framesUp += 1;
    this.#count.bytesUp += bytes;
    this.#note(text, "↑", bytes);
  }

  down(text: string): void {
    const bytes = frameBytes(Buffer.byteLength(text), false);
    this.#count.framesDown += 1;
    this.#count.bytesDown += bytes;
    this.#note(text, "↓", bytes);
  }

  read(): WireCount {
    return { ...this.#count };
  }

  #note(text: string, sign: string, bytes: number): void {
    const type = `${/^\{"t":"([a-z-]+)"/.exec(text)?.[1] ?? "?"}${sign}`;
    this.byType.set(type, (this.byType.get(type) ?? 0) + bytes);
  }
}
