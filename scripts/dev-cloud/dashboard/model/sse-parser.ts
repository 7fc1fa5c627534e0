export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Longest line and longest event in characters. A longer one cannot come from our server. */
const EVENT_CHARACTERS_MAX = 8 * 1024 * 1024;
/** Data lines of one event. Our server sends one. */
const DATA_LINES_MAX = 10_000;

/**
 * Incremental parser of `text/event-stream`. The browser's EventSource is no alternative: it hides heartbeat
 * comments, without which a hung server looks alive.
 */
export class SseParser {
  #pending = "";
  #event = "";
  #data: string[] = [];
  #characters = 0;

  /** Returns the events completed by this piece. Throws a RangeError when a line or an event is too long. */
  push(piece: string): ServerSentEvent[] {
    this.#pending += piece;
    const found: ServerSentEvent[] = [];
    // A trailing "\r" may be half of "\r\n": keep it for the next piece.
    const lines = this.#pending.split(/\r\n|\n|\r(?!$)/);
    this.#pending = lines.pop() ?? "";
    limit(this.#pending.length);
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
      this.#characters = 0;
      return event;
    }
    limit(line.length);
    if (line.startsWith(":")) return undefined;
    const at = line.indexOf(":");
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    if (field === "data") {
      this.#characters += value.length;
      limit(this.#characters);
      if (this.#data.length >= DATA_LINES_MAX) throw new RangeError("an event of the stream has too many lines");
      this.#data.push(value);
    }
    return undefined;
  }
}

function limit(characters: number): void {
  if (characters > EVENT_CHARACTERS_MAX) throw new RangeError("an event of the stream is too large");
}
