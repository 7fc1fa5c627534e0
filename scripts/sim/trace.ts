import { createHash } from "node:crypto";

/** Events kept for the report of a failure. */
const LAST_MAX = 400;
/** Text gathered before it goes into the hash: one call for many events. */
const CHUNK_CHARS = 32_768;

/**
 * What happened, in order. Every event goes into one hash, so that two runs of a seed can be compared byte for
 * byte; the last ones are kept for people.
 */
export class Trace {
  readonly #hash = createHash("sha256");
  readonly #nowMs: () => number;
  #pending = "";
  #last: string[] = [];
  #frozen = false;
  #digest: string | undefined;
  events = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** `detail` in full goes into the hash, and its beginning into what is kept. */
  add(actor: string, what: string, detail = ""): void {
    this.events += 1;
    const line = `${this.#nowMs()} ${actor} ${what} ${detail}\n`;
    this.#pending += line;
    if (this.#pending.length > CHUNK_CHARS) this.#flush();
    if (this.#frozen) return;
    this.#last.push(line.length > 700 ? `${line.slice(0, 700)}…\n` : line);
    if (this.#last.length > 2 * LAST_MAX) this.#last = this.#last.slice(-LAST_MAX);
  }

  /** Keeps the last events as they are now: what comes after a failure says nothing about it. */
  freeze(): void {
    this.#frozen = true;
  }

  last(count = LAST_MAX): readonly string[] {
    return this.#last.slice(-count).map((line) => line.trimEnd());
  }

  /** SHA-256 (hex) over every event. Nothing can be added afterwards. */
  digest(): string {
    if (this.#digest !== undefined) return this.#digest;
    this.#flush();
    this.#digest = this.#hash.digest("hex");
    return this.#digest;
  }

  #flush(): void {
    if (this.#digest !== undefined) throw new Error("the trace is closed");
    this.#hash.update(this.#pending);
    this.#pending = "";
  }
}
