import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { DrainFactory, DrainSession, SessionDrain } from "../cloud/drain-port.ts";
import type { Limits } from "../../protocol/cloud-messages.ts";
import { BATCH_RECORDS_MAX, FRAME_BYTES_MAX } from "../../protocol/limits.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import type { Backlog, Batch } from "./backlog.ts";
import { ByteBudget } from "./byte-budget.ts";
import { perStream } from "./per-stream.ts";
import { SendWindow } from "./send-window.ts";
import { TooLarge } from "./too-large.ts";
import { Wake } from "../../../platform/runtime/wake.ts";

export interface DrainDeps {
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** Default limit on records sent but not yet acknowledged. */
const WINDOW_RECORDS = 2_000;
/** Most bytes of records in one frame, even if the cloud allows more: a ping or an outcome waits behind a whole frame. */
const BATCH_BYTES_MAX = 64 * 1024;
/** Maximum size of the frame around its records. */
const FRAME_HEAD_BYTES = 320;
/** Wait while more than this is buffered in the transport. */
const BUFFERED_BYTES_MAX = 128 * 1024;
const BUFFER_CHECK_MS = 20;
/** A stream that should have records but returned none (its store is failing) is read again after this time. */
const ASK_AGAIN_MS = 5_000;

/**
 * Drains the outbox over one session: most urgent stream first, with at most a window of unacknowledged records,
 * within the cloud's limits on frame size and bytes per second. Nothing is sent twice in a session; records not
 * acknowledged by its end are sent again in the next, in the same batches.
 *
 * Holds one batch in memory at a time, whatever the size of the backlog.
 */
export function drainFactory(deps: DrainDeps): DrainFactory {
  return (session) => new Drain(deps, session);
}

class Drain implements SessionDrain {
  readonly #deps: DrainDeps;
  readonly #session: DrainSession;
  readonly #log: string;
  readonly #sent = perStream(() => 0);
  readonly #window = new SendWindow();
  readonly #budget: ByteBudget;
  readonly #wake = new Wake();
  /** Streams that returned nothing although they should have records. */
  readonly #silent = new Set<Stream>();
  /** Records too large for any frame of this link; they wait at the end of their stream for another link. */
  readonly #tooLarge = perStream(() => new TooLarge());
  /** Read but not sent yet, for lack of room. */
  #held: { readonly batch: Batch; readonly after: number } | undefined;
  #limits: Limits;

  constructor(deps: DrainDeps, session: DrainSession) {
    this.#deps = deps;
    this.#session = session;
    this.#log = deps.backlog.log;
    this.#limits = session.limits;
    this.#budget = new ByteBudget(deps.clock);
    this.#budget.limit(session.limits.bytesPerSecond);
    const ranges = deps.backlog.ranges();
    for (const stream of STREAMS) this.#sent[stream] = ranges[stream].oldest - 1;
  }

  stored(upTo: Partial<Readonly<Record<Stream, number>>>): void {
    this.#window.stored(upTo);
    this.#wake.ring();
  }

  limited(limits: Limits): void {
    this.#limits = limits;
    this.#budget.limit(limits.bytesPerSecond);
    for (const stream of STREAMS) this.#tooLarge[stream] = new TooLarge();
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const undo = this.#deps.backlog.onAppended((stream) => {
      this.#silent.delete(stream);
      this.#tooLarge[stream].lookAgain();
      this.#wake.ring();
    });
    try {
      while (!signal.aborted) {
        if (this.#deps.backlog.log !== this.#log) throw new Error("the outbox has a new log; the session must restart");
        const waitMs = await this.#step();
        if (waitMs !== undefined) await this.#wake.wait(this.#deps.timers, "drain.wait", waitMs, signal);
      }
    } finally {
      undo();
    }
  }

  /** Sends one batch if allowed. Returns how long to wait for a change in ms (`Infinity`: until woken); `undefined`: do not wait. */
  async #step(): Promise<number | undefined> {
    const { backlog } = this.#deps;
    const ranges = backlog.ranges();
    const nowMs = this.#deps.clock.monotonicMs();
    const some = STREAMS.filter((name) => ranges[name].newest > this.#after(name, ranges[name].oldest) && !this.#silent.has(name));
    const stream = some.find((name) => this.#tooLarge[name].dueMs <= nowMs);
    if (stream === undefined) {
      const dueInMs = Math.min(...some.map((name) => this.#tooLarge[name].dueMs - nowMs));
      return this.#silent.size === 0 ? dueInMs : Math.min(dueInMs, this.#askAgain());
    }
    if (this.#window.inFlight > 0 && this.#window.inFlight >= this.#windowMax) return Infinity;
    if (this.#session.bufferedBytes() > BUFFERED_BYTES_MAX) return BUFFER_CHECK_MS;
    const pauseMs = this.#budget.pauseMs();
    if (pauseMs > 0) return pauseMs;
    const batch = await this.#next(stream, this.#after(stream, ranges[stream].oldest));
    if (batch === undefined) {
      if (this.#tooLarge[stream].dueMs <= nowMs) this.#silent.add(stream);
      return undefined;
    }
    // A window smaller than one batch still lets one batch through; otherwise nothing could ever be sent.
    if (this.#window.inFlight > 0 && this.#window.inFlight + batch.count > this.#windowMax) return Infinity;
    if (backlog.log !== this.#log) return undefined;
    if (!this.#session.sendFrame(this.#frame(batch))) return BUFFER_CHECK_MS;
    this.#held = undefined;
    this.#sent[stream] = batch.last;
    this.#window.sent(stream, batch.last, batch.count);
    this.#budget.spend(batch.bytes + FRAME_HEAD_BYTES);
    return undefined;
  }

  get #windowMax(): number {
    return this.#limits.windowRecords ?? WINDOW_RECORDS;
  }

  /** Skips what was evicted or acknowledged in the meantime. */
  #after(stream: Stream, oldest: number): number {
    return Math.max(this.#sent[stream], oldest - 1);
  }

  async #next(stream: Stream, from: number): Promise<Batch | undefined> {
    if (this.#held?.batch.stream === stream && this.#held.after === from) return this.#held.batch;
    this.#held = undefined;
    const frameBytes = Math.min(this.#limits.frameBytesMax ?? FRAME_BYTES_MAX, FRAME_BYTES_MAX) - FRAME_HEAD_BYTES;
    const bytesMax = Math.min(frameBytes, BATCH_BYTES_MAX, this.#budget.bytesAtOnce());
    const large: number[] = [];
    for (let after = from; ; ) {
      const batch = await this.#deps.backlog.read(stream, after, { recordsMax: this.#recordsMax(stream, after), bytesMax });
      if (batch !== undefined && batch.bytes > frameBytes) {
        this.#deps.log.info({ stream, seq: batch.first, bytes: batch.bytes, frameBytes }, "a record does not fit into a frame of this link; it waits for another link");
        large.push(batch.first);
        after = batch.first;
        continue;
      }
      if (large.length > 0 && !(await this.#letBy(stream, large, batch !== undefined))) return undefined;
      if (batch !== undefined) this.#held = { batch, after: from };
      return batch;
    }
  }

  /**
   * Moves records at the front that fit no frame to the end of their stream. The cloud acknowledges everything up to a
   * number, so sending what is behind them would delete them unsent. Returns true when they were moved.
   */
  async #letBy(stream: Stream, large: readonly number[], someBehind: boolean): Promise<boolean> {
    const waiting = this.#tooLarge[stream];
    if (!someBehind) {
      waiting.waitForNews();
      return false;
    }
    if (!waiting.mayMove(large, this.#deps.clock.monotonicMs())) return false;
    for (const seq of large) {
      const moved = await this.#deps.backlog.defer(stream, seq);
      if (moved === undefined) return false;
      waiting.moved(seq, moved);
    }
    return true;
  }

  /** Most records for the next batch: replayed and new records do not share a frame. */
  #recordsMax(stream: Stream, after: number): number {
    const recordsMax = Math.max(1, Math.min(this.#limits.batchRecordsMax ?? BATCH_RECORDS_MAX, this.#windowMax, BATCH_RECORDS_MAX));
    const replayLeft = this.#session.replayUpTo[stream] - after;
    return replayLeft > 0 ? Math.min(recordsMax, replayLeft) : recordsMax;
  }

  #frame(batch: Batch): string {
    const replay = batch.last <= this.#session.replayUpTo[batch.stream] ? ',"replay":true' : "";
    const origin = `"log":${JSON.stringify(this.#log)},"boot":${JSON.stringify(batch.boot)},"clock":"${batch.clock}"`;
    return `{"t":"records","stream":"${batch.stream}",${origin}${replay},"records":${batch.recordsJson}}`;
  }

  #askAgain(): number {
    this.#silent.clear();
    return ASK_AGAIN_MS;
  }
}
