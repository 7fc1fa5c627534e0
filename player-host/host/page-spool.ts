import type { Log } from "../../platform/ports/log.ts";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";
import { utf8 } from "../../platform/runtime/encoding.ts";
import { goneLineOf, lineOf, readSpool, type SpooledMessage } from "./spool-lines.ts";
import { SpoolMark } from "./spool-mark.ts";
import type { SpoolStore } from "./spool-store.ts";

export const SPOOL_BYTES_MAX = 4 * 1024 * 1024;

/** This many removed messages are noted as gone in the stored text, with one synced write. */
export const NOTE_EVERY = 128;

interface Append {
  readonly message: SpooledMessage;
  readonly line: string;
  readonly bytes: number;
  readonly done: (result: Result<undefined>) => void;
}

/**
 * What a page emitted while the agent was away: lines of JSON with a checksum, under a fixed size limit. Proofs of play are synced
 * to disk before the page gets its answer, one sync for all that wait; events survive the process, but maybe not a power cut.
 * Messages are removed once the agent has stored them. Their lines stay until the text is rewritten, which happens when it is
 * empty, full or torn; until then a short line notes them as gone, so that a restart sends again only what is not noted yet
 * (`unnoted`). An id may be sent twice, but is never lost.
 */
export class PageSpool {
  readonly #store: SpoolStore;
  readonly #log: Log;
  readonly #bytesMax: number;
  readonly #kept = new Map<string, SpooledMessage>();
  readonly #queue: Append[] = [];
  #storedBytes = 0;
  /** A write failed: the stored text may end in half a line, to which nothing may be appended. */
  #torn = false;
  #working: Promise<void> | undefined;
  #cameMeanwhile = false;
  readonly #mark: SpoolMark;
  /** Number of stored lines with messages. */
  #lines = 0;
  /** Ids of removed messages that the stored text still contains as waiting. */
  readonly #unnoted: string[] = [];
  #noteFrom = NOTE_EVERY;
  #onNoted: () => void = () => undefined;

  constructor(store: SpoolStore, log: Log, bytesMax = SPOOL_BYTES_MAX) {
    this.#store = store;
    this.#log = log;
    this.#bytesMax = bytesMax;
    this.#mark = new SpoolMark(store, log);
  }

  /**
   * Reads what an earlier run left; never rejects. Returns the number of lost lines: those that do not parse, and those
   * counted by the mark but missing from the spool.
   */
  async open(): Promise<{ readonly dropped: number }> {
    const { waiting, known, damaged } = readSpool(await this.#readLeft());
    for (const [id, message] of waiting) this.#kept.set(id, message);
    const marked = (await this.#mark.read()) ?? 0;
    // Damage may join lines or remove whole ones, so what is missing from the known number counts too.
    const dropped = Math.max(damaged, marked - known);
    if (dropped > 0) this.#log.warn({ dropped }, "lines of the page spool were damaged");
    // Until it is rewritten once, it may contain more than what is kept.
    this.#torn = true;
    await this.#settle([], () => this.#rewrite());
    return { dropped };
  }

  /** Reads the stored text. On a disk error, logs it and returns an empty text, so that the host still starts. */
  async #readLeft(): Promise<string> {
    try {
      return await this.#store.read();
    } catch (thrown) {
      this.#log.error({ error: messageOf(thrown) }, "the page spool could not be read; it is set aside");
      // A person may still be able to recover it, so a new spool must not overwrite it.
      await this.#store.setAside().catch((again: unknown) => this.#log.debug({ error: messageOf(again) }, "nor set aside"));
      return "";
    }
  }

  /** Everything not yet stored by the agent, oldest first. */
  waiting(): readonly SpooledMessage[] {
    return [...this.#kept.values()];
  }

  /** Messages not yet stored by the agent. */
  get size(): number {
    return this.#kept.size;
  }

  has(id: string): boolean {
    return this.#kept.has(id);
  }

  /** Stores a message. Errors: `spool.full` (limit reached), `spool.failed` (disk error). */
  append(message: SpooledMessage): Promise<Result<undefined>> {
    return new Promise((done) => {
      const line = lineOf(message);
      this.#queue.push({ message, line, bytes: utf8(line).length, done });
      this.#work();
    });
  }

  /** Removes a message that the agent has stored or permanently refused. */
  remove(id: string): void {
    if (!this.#kept.delete(id)) return;
    this.#unnoted.push(id);
    this.#work();
  }

  /** Number of removed messages that a restart would send again, since the stored text does not say yet that they are gone. */
  get unnoted(): number {
    return this.#unnoted.length;
  }

  /** Sets what is called each time `unnoted` has fallen. */
  onNoted(listener: () => void): void {
    this.#onNoted = listener;
  }

  /** Notes all removed messages, and tries again what a disk error prevented. */
  tidy(): void {
    if (!this.#hasRemains && this.#unnoted.length === 0) return;
    this.#noteFrom = 1;
    this.#work();
  }

  /** Whether the stored text has to be rewritten: it may end in half a line, or all of it has been handed over. */
  get #hasRemains(): boolean {
    return this.#torn || (this.#kept.size === 0 && this.#storedBytes > 0);
  }

  async close(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
    if (!this.#torn && this.#unnoted.length > 0) await this.#settle([], () => this.#note());
    await this.#store.close();
  }

  #work(): void {
    if (this.#working !== undefined) {
      this.#cameMeanwhile = true;
      return;
    }
    this.#cameMeanwhile = false;
    this.#working = this.#drain().finally(() => {
      this.#working = undefined;
      // A caller that was just answered may have added work after the loop's last check.
      if (this.#cameMeanwhile) this.#work();
    });
  }

  async #drain(): Promise<void> {
    // Lets the caller of `remove` or `append` continue first, so that many calls share one write.
    await Promise.resolve();
    if (this.#queue.length === 0 && this.#hasRemains) await this.#settle([], () => this.#rewrite());
    for (;;) {
      const due = this.#unnoted.length >= this.#noteFrom;
      this.#noteFrom = NOTE_EVERY;
      if (due && !this.#torn) await this.#settle([], () => this.#note());
      if (this.#queue.length === 0) return;
      const batch = this.#queue.splice(0, 256);
      await this.#settle(batch, () => this.#write(batch));
    }
  }

  async #write(batch: readonly Append[]): Promise<void> {
    const wanted = batch.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#torn || this.#storedBytes + wanted > this.#bytesMax) await this.#rewrite();
    const taken: Append[] = [];
    let text = "";
    let size = this.#storedBytes;
    for (const append of batch) {
      if (size + append.bytes > this.#bytesMax) {
        append.done(fail("spool.full", `The host already keeps ${this.#bytesMax} bytes for an agent that is away.`));
        continue;
      }
      size += append.bytes;
      text += append.line;
      taken.push(append);
    }
    if (taken.length === 0) return;
    this.#torn = true;
    await this.#store.append(text, taken.some(({ message }) => message.t === "page-play"));
    this.#torn = false;
    this.#storedBytes = size;
    this.#lines += taken.length;
    await this.#mark.write(this.#lines);
    for (const { message, done } of taken) {
      this.#kept.set(message.id, message);
      done(ok(undefined));
    }
  }

  /** Runs `work`. A disk error is reported to every caller of the batch; messages kept in memory stay. */
  async #settle(batch: readonly Append[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#log.error({ error: messageOf(thrown) }, "the page spool could not be written");
      for (const { done } of batch) done(fail("spool.failed", messageOf(thrown)));
    }
  }

  /** Appends a line that names the removed messages. */
  async #note(): Promise<void> {
    const { length } = this.#unnoted;
    const line = goneLineOf(this.#unnoted);
    const bytes = utf8(line).length;
    if (this.#storedBytes + bytes > this.#bytesMax) return this.#rewrite();
    this.#torn = true;
    await this.#store.append(line, true);
    this.#torn = false;
    this.#storedBytes += bytes;
    this.#noted(length);
  }

  /** The stored text does not contain the `count` oldest unnoted messages as waiting any more. */
  #noted(count: number): void {
    if (count === 0) return;
    this.#unnoted.splice(0, count);
    this.#onNoted();
  }

  /** Rewrites the spool with the messages still waiting; removes it when there are none. */
  async #rewrite(): Promise<void> {
    const waiting = this.waiting();
    const { length } = this.#unnoted;
    const text = waiting.map(lineOf).join("");
    // Written before the spool: a mark that is too low can only miss a loss; one that is too high would invent one.
    await this.#mark.write(waiting.length, true);
    this.#lines = waiting.length;
    await this.#store.replace(text);
    this.#storedBytes = utf8(text).length;
    this.#torn = false;
    this.#noted(length);
  }
}
