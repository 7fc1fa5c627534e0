import * as v from "valibot";
import type { Log } from "../../platform/ports/log.ts";
import { fail, messageOf, ok, type Result } from "../../platform/ports/result.ts";
import { crc32 } from "../../platform/runtime/crc32.ts";
import { utf8 } from "../../platform/runtime/encoding.ts";
import { parseJson } from "../../platform/runtime/json.ts";
import type { HostMessage } from "../contract/link-messages.ts";
import { HostMessageSchema } from "../contract/link-messages.ts";
import { SpoolMark } from "./spool-mark.ts";
import type { SpoolStore } from "./spool-store.ts";

export type SpooledMessage = Extract<HostMessage, { t: "page-event" | "page-play" }>;

export const SPOOL_BYTES_MAX = 4 * 1024 * 1024;

interface Append {
  readonly message: SpooledMessage;
  readonly line: string;
  readonly bytes: number;
  readonly done: (result: Result<undefined>) => void;
}

/**
 * What a page emitted while the agent was away: lines of JSON with a checksum, under a fixed size limit. Proofs of play are synced
 * to disk before the page gets its answer, one sync for all that wait; events survive the process, but maybe not a power cut.
 * Messages are removed once the agent has stored them. An id may be sent twice, but is never lost.
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
  /** Number of stored lines. */
  #lines = 0;

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
    const text = await this.#readLeft();
    let dropped = 0;
    const marked = await this.#mark.read();
    for (const line of text.split("\n")) {
      if (line === "") continue;
      const parsed = v.safeParse(HostMessageSchema, parseJson(textOf(line) ?? ""));
      if (parsed.success && (parsed.output.t === "page-event" || parsed.output.t === "page-play")) this.#kept.set(parsed.output.id, parsed.output);
      else dropped += 1;
    }
    // Damage may join lines or remove whole ones, so what is missing from the known number counts too.
    if (marked !== undefined) dropped = Math.max(dropped, marked - this.#kept.size);
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
    if (this.#kept.delete(id)) this.#work();
  }

  /** Tries again what a disk error prevented: what stays stored although it is no longer kept would be sent again after a restart. */
  tidy(): void {
    if (this.#hasRemains) this.#work();
  }

  /** Whether the stored text has to be rewritten: it may end in half a line, or all of it has been handed over. */
  get #hasRemains(): boolean {
    return this.#torn || (this.#kept.size === 0 && this.#storedBytes > 0);
  }

  async close(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
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
    while (this.#queue.length > 0) {
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

  /** Rewrites the spool with the messages still waiting; removes it when there are none. */
  async #rewrite(): Promise<void> {
    // Written before the spool: a mark that is too low can only miss a loss; one that is too high would invent one.
    await this.#mark.write(this.#kept.size, true);
    this.#lines = this.#kept.size;
    const text = this.waiting().map(lineOf).join("");
    await this.#store.replace(text);
    this.#storedBytes = utf8(text).length;
    this.#torn = false;
  }
}

const CRC_DIGITS = 8;

/** The checksum detects a flipped bit that leaves the JSON valid. */
function lineOf(message: SpooledMessage): string {
  const text = JSON.stringify(message);
  return `${checksumOf(text)} ${text}\n`;
}

/** The JSON of a line; `undefined` when its checksum is wrong. Old lines without a checksum are accepted. */
function textOf(line: string): string | undefined {
  if (line.startsWith("{")) return line;
  const text = line.slice(CRC_DIGITS + 1);
  return line.slice(0, CRC_DIGITS + 1) === `${checksumOf(text)} ` ? text : undefined;
}

function checksumOf(text: string): string {
  return crc32(utf8(text)).toString(16).padStart(CRC_DIGITS, "0");
}
