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
 * What a page emitted while the agent was away: lines of JSON with a checksum, under a fixed limit. Proofs of play are safe from a
 * power cut before the page is told, one sync serving all that wait; events outlive the process. What the agent has stored is taken out again; the same id may be sent twice, never lost.
 */
export class PageSpool {
  readonly #store: SpoolStore;
  readonly #log: Log;
  readonly #bytesMax: number;
  readonly #kept = new Map<string, SpooledMessage>();
  readonly #queue: Append[] = [];
  #storedBytes = 0;
  /** A write broke off: what is stored may end in half a line, which the next one must not be joined to. */
  #torn = false;
  #working: Promise<void> | undefined;
  #cameMeanwhile = false;
  readonly #mark: SpoolMark;
  /** Lines that are stored. */
  #lines = 0;

  constructor(store: SpoolStore, log: Log, bytesMax = SPOOL_BYTES_MAX) {
    this.#store = store;
    this.#log = log;
    this.#bytesMax = bytesMax;
    this.#mark = new SpoolMark(store, log);
  }

  /**
   * Reads what an earlier run left; never rejects. Returns how many lines are lost: those that do not parse, and those
   * that the mark knows of and the spool does not.
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
    // Damage may join lines, and take whole ones: what is missing of the known number counts.
    if (marked !== undefined) dropped = Math.max(dropped, marked - this.#kept.size);
    if (dropped > 0) this.#log.warn({ dropped }, "lines of the page spool were damaged");
    // Until it was written anew once, it may hold more than what is kept.
    this.#torn = true;
    await this.#settle([], () => this.#rewrite());
    return { dropped };
  }

  /** A disk that does not let itself be read or written is told where it is met; the host starts all the same. */
  async #readLeft(): Promise<string> {
    try {
      return await this.#store.read();
    } catch (thrown) {
      this.#log.error({ error: messageOf(thrown) }, "the page spool could not be read; it is set aside");
      // What cannot be read now may be readable for a person: a new spool must not be written over it.
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

  /** `spool.full` when the limit is reached, `spool.failed` when the disk does not take it. */
  append(message: SpooledMessage): Promise<Result<undefined>> {
    return new Promise((done) => {
      const line = lineOf(message);
      this.#queue.push({ message, line, bytes: utf8(line).length, done });
      this.#work();
    });
  }

  /** The agent has it (or refused it for good). */
  remove(id: string): void {
    if (this.#kept.delete(id)) this.#work();
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
      // Between the loop's last look and this, whoever was just answered may have brought the next.
      if (this.#cameMeanwhile) this.#work();
    });
  }

  async #drain(): Promise<void> {
    // The caller of `remove` or `append` goes on first, so that many of them make one write.
    await Promise.resolve();
    if (this.#kept.size === 0 && this.#queue.length === 0 && this.#storedBytes > 0) await this.#settle([], () => this.#rewrite());
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

  /** A disk that does not take it is told to every caller of the batch; what is kept in memory stays. */
  async #settle(batch: readonly Append[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#log.error({ error: messageOf(thrown) }, "the page spool could not be written");
      for (const { done } of batch) done(fail("spool.failed", messageOf(thrown)));
    }
  }

  /** The spool anew with what is still waiting; gone when nothing is. */
  async #rewrite(): Promise<void> {
    // Before the spool itself: a mark that is too low misses a loss at the worst, one that is too high makes one up.
    await this.#mark.write(this.#kept.size, true);
    this.#lines = this.#kept.size;
    const text = this.waiting().map(lineOf).join("");
    await this.#store.replace(text);
    this.#storedBytes = utf8(text).length;
    this.#torn = false;
  }
}

const CRC_DIGITS = 8;

/** A flipped bit inside a text leaves JSON that parses: the checksum before it tells. */
function lineOf(message: SpooledMessage): string {
  const text = JSON.stringify(message);
  return `${checksumOf(text)} ${text}\n`;
}

/** The JSON of a line; `undefined` when it is not as it was written. Lines of before there were checksums are taken as they are. */
function textOf(line: string): string | undefined {
  if (line.startsWith("{")) return line;
  const text = line.slice(CRC_DIGITS + 1);
  return line.slice(0, CRC_DIGITS + 1) === `${checksumOf(text)} ` ? text : undefined;
}

function checksumOf(text: string): string {
  return crc32(utf8(text)).toString(16).padStart(CRC_DIGITS, "0");
}
