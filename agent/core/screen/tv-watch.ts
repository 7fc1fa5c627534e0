import type { EventSink } from "../outbox/event-sink.ts";
import type { ManagedDisplay } from "../state/managed-display.ts";
import type { CecBus } from "../../../platform/ports/cec.ts";
import { cecEvent, changesTv, type CecEvent } from "../../../platform/ports/cec-events.ts";
import type { Clock, Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { TokenBucket } from "../../../platform/runtime/token-bucket.ts";

export interface TvWatchDeps {
  readonly buses: readonly CecBus[];
  readonly displays: readonly Pick<ManagedDisplay, "output" | "status">[];
  readonly events: EventSink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** An event, who said it, and the output whose bus it came from, if the driver says which. */
export interface TvEvent {
  /** The TV itself, and not another device on its bus. */
  readonly byTv: boolean;
  /** Said to everybody, and not to us alone. */
  readonly toAll: boolean;
  readonly output?: string;
  readonly event: CecEvent;
}

/** Logical addresses. */
const TV = 0;
const BROADCAST = 15;
/** A key that comes again within this time is still held (CEC 13.13.3: the TV repeats it at least every 500 ms). */
const HELD_MS = 600;
/** TVs take some 8 s to go to standby or come on, and report the old state at first. */
export const SETTLED_MS = 10_000;
/** A TV that talks all the time must not be asked all the time: in the long run not more often than by polling. */
const REREADS = { burst: 4, perSecond: 1 / 15 };

/**
 * Listens to the TVs on HDMI-CEC: remote keys, standby and other sources become events for the cloud, and the state of the
 * display is read again at once instead of at the next poll. Changes nothing on any TV.
 */
export class TvWatch {
  readonly #deps: TvWatchDeps;
  readonly #news: Emitter<TvEvent>;

  constructor(deps: TvWatchDeps) {
    this.#deps = deps;
    this.#news = Emitter.logged(deps.log, "tv");
  }

  /** Calls back with every event; a held key comes once. Returns the unsubscribe function. */
  onEvent(listener: (event: TvEvent) => void): () => void {
    return this.#news.on(listener);
  }

  /** Starts listening. Returns the function that stops. */
  start(): () => void {
    const stops = this.#deps.buses.map((bus) => this.#listen(bus));
    return () => {
      for (const stop of stops) stop();
    };
  }

  #listen({ cec, output }: CecBus): () => void {
    const { displays, clock } = this.#deps;
    const mine = displays.filter((display) => output === undefined || display.output === undefined || display.output === output);
    const reread = rereading(mine, this.#deps);
    let held: { readonly code: number; readonly atMs: number } | undefined;
    let shown: string | undefined;
    const stop = cec.onMessage?.((message) => {
      const event = cecEvent(message);
      if (event === undefined) return;
      if (changesTv(event)) reread.now();
      const nowMs = clock.monotonicMs();
      const isRepeat = event.kind === "key" ? event.code === held?.code && nowMs - held.atMs <= HELD_MS : event.kind === "source" && event.address === shown;
      if (event.kind === "key") held = { code: event.code, atMs: nowMs };
      if (event.kind === "key-released") held = undefined;
      if (event.kind === "source") shown = event.address;
      if (!isRepeat) this.#tell({ event, byTv: message.source === TV, toAll: message.destination === BROADCAST, ...(output !== undefined && { output }) });
    });
    return () => {
      stop?.();
      reread.stop();
    };
  }

  #tell(told: TvEvent): void {
    const { events, log } = this.#deps;
    this.#news.emit(told);
    const { kind, ...facts } = told.event;
    // Neither says more than the event before it, or than the reading that follows.
    if (kind === "key-released" || kind === "source-wanted") return;
    const data: JsonObject = { ...facts, ...(told.output !== undefined && { output: told.output }) };
    void events.append({ stream: "event", kind: "cec", source: "cec", body: { name: kind, data } }).then((appended) => {
      if (!appended.ok) log.debug({ ...appended.error }, "an HDMI-CEC event was not stored");
    });
  }
}

/** Reads displays again: at once, within a budget, and once more when the TV has settled. */
function rereading(displays: readonly Pick<ManagedDisplay, "status">[], { clock, timers }: Pick<TvWatchDeps, "clock" | "timers">): { now(): void; stop(): void } {
  const budget = new TokenBucket(clock, REREADS);
  let settling: Timer | undefined;
  const invalidate = (): void => {
    for (const { status } of displays) status.invalidate();
  };
  return {
    now: () => {
      if (!budget.take()) return;
      invalidate();
      settling?.cancel();
      settling = timers.after("tv.settled", SETTLED_MS, invalidate);
    },
    stop: () => settling?.cancel(),
  };
}
