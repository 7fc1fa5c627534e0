export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Longest unfinished line in characters. A longer one cannot come from our server. */
const PENDING_MAX = 8 * 1024 * 1024;

/**
 * Incremental parser of `text/event-stream`. The browser's EventSource is no alternative: it hides heartbeat
 * comments, without which a hung server looks alive.
 */
export class SseParser {
  #pending = "";
  #event = "";
  #data: string[] = [];

  /** Returns the events completed by this piece. Throws a RangeError when a line is too long. */
  push(piece: string): ServerSentEvent[] {
    this.#pending += piece;
    if (this.#pending.length > PENDING_MAX) throw new RangeError("an event of the stream is too large");
    const found: ServerSentEvent[] = [];
    // A trailing "\r" may be half of "\r\n": keep it for the next piece.
    const lines = this.#pending.split(/\r\n|\n|\r(?!$)/);
    this.#pending = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== undefined) found.push(event);
    }
    return found;
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === "") {
      const event = this.#data.length === 0 ? undefined : { event: this.#event === "" ? "message" : this.#event, data: this.#data.join("\n") };
      this.#event = "";
      this.#data = [];
      return event;
    }
    if (line.startsWith(":")) return undefined;
    const at = line.indexOf(":");
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return undefined;
  }
}
