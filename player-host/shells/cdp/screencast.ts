import type { Timers } from "../../../platform/ports/clock.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { CdpError, type Cdp, type CdpCommands, type CdpParams } from "./cdp-client.ts";

export interface CastSettings {
  readonly format: "png" | "jpeg";
  readonly quality?: number | undefined;
  readonly widthMax?: number | undefined;
  readonly heightMax?: number | undefined;
}

/** An open screencast, which receives the frames of the browser's compositor. */
export interface OpenCast {
  /** Base64 of the newest frame. */
  last(): string | undefined;
  count(): number;
  /** True once more than `count` frames have arrived; false after `timeoutMs`, or at once when the cast is over. */
  moreThan(count: number, timeoutMs: number): Promise<boolean>;
  /** No more frames will arrive: the caller is done, or the renderer has died. */
  isOver(): boolean;
}

const CALL_TIMEOUT_MS = 3_000;
const ASK_AGAIN_MS = 100;
/** How long the next cast waits for the previous one to stop, so that frames are not mixed up. */
const STOP_TIMEOUT_MS = 300;

/**
 * Frames from the compositor, scaled there. Used for every capture, because the protocol's screenshot call briefly resizes
 * the page when it scales (visible on screen) and hangs with the renderer. The first frame arrives at once, from a still
 * page too.
 *
 * Nothing waits for the answer to `Page.startScreencast`: Chromium 150 never answers it while the renderer hangs, but
 * still sends frames.
 */
export class Screencast {
  readonly #cdp: Cdp;
  readonly #sessionId: string | undefined;
  readonly #timers: Timers;
  #turn: Promise<unknown> = Promise.resolve();
  #abandon: () => void = () => undefined;

  constructor(cdp: Cdp, sessionId: string | undefined, timers: Timers) {
    this.#cdp = cdp;
    this.#sessionId = sessionId;
    this.#timers = timers;
  }

  /**
   * Runs `look` with an open cast, one call at a time: a page has only one cast. When `signal` aborts, this cast is over. Rejects
   * with a `CdpError` when the pipe has ended.
   */
  async with<T>(settings: CastSettings, look: (cast: OpenCast) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const work = this.#turn.then(() => this.#run(settings, look, signal));
    this.#turn = work.catch(() => undefined).then(() => this.#ask("Page.stopScreencast", undefined, STOP_TIMEOUT_MS).catch(ignoreCdp));
    return work;
  }

  /** Ends every wait for a frame, because the renderer has died. */
  abandon(): void {
    this.#abandon();
  }

  async #run<T>(settings: CastSettings, look: (cast: OpenCast) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    let last: string | undefined;
    let count = 0;
    let over = signal?.aborted ?? false;
    const wakes = new Set<() => void>();
    const wakeAll = (): void => {
      for (const wake of wakes) wake();
    };
    const off = this.#cdp.on("Page.screencastFrame", this.#sessionId, (frame) => {
      last = frame.data;
      count += 1;
      wakeAll();
      this.#ask("Page.screencastFrameAck", { sessionId: frame.sessionId }, CALL_TIMEOUT_MS).catch(ignoreCdp);
    });
    const abandon = (): void => {
      over = true;
      wakeAll();
    };
    this.#abandon = abandon;
    signal?.addEventListener("abort", abandon, { once: true });
    try {
      const ended = this.#start(settings, () => over);
      const looking = look({
        last: () => last,
        count: () => count,
        isOver: () => over,
        moreThan: async (than, timeoutMs) => {
          const arrived = new Promise<boolean>((resolve) => {
            const wake = (): void => {
              if (count > than) resolve(true);
              else if (over) resolve(false);
            };
            wakes.add(wake);
            wake();
          });
          return withDeadline(this.#timers, "screencast.frame", timeoutMs, arrived).catch(falseOnTimeout);
        },
      });
      return await Promise.race([looking, ended]);
    } finally {
      off();
      signal?.removeEventListener("abort", abandon);
      this.#abandon();
      this.#abandon = () => undefined;
    }
  }

  /**
   * Starts the cast; rejects when the pipe has ended, and never resolves. The browser refuses while one document replaces
   * another, so a refusal is retried. A missing answer means nothing: frames may arrive without it.
   */
  async #start({ format, quality, widthMax, heightMax }: CastSettings, isOver: () => boolean): Promise<never> {
    while (!isOver()) {
      try {
        await this.#ask("Page.startScreencast", { format, quality, maxWidth: widthMax, maxHeight: heightMax }, CALL_TIMEOUT_MS);
        break;
      } catch (thrown) {
        if (!(thrown instanceof CdpError) || thrown.kind === "closed") throw thrown;
        if (thrown.kind === "timeout") break;
        await new Promise<void>((resolve) => void this.#timers.after("screencast.ask-again", ASK_AGAIN_MS, resolve));
      }
    }
    return new Promise<never>(() => undefined);
  }

  #ask<M extends keyof CdpCommands>(method: M, params: CdpParams<M>, timeoutMs: number): Promise<unknown> {
    return this.#cdp.call(method, params, { sessionId: this.#sessionId, timeoutMs });
  }
}

function falseOnTimeout(thrown: unknown): false {
  if (thrown instanceof TimeoutError) return false;
  throw thrown;
}

/** For a page or browser that is gone, which is reported elsewhere. */
function ignoreCdp(thrown: unknown): void {
  if (!(thrown instanceof CdpError)) throw thrown;
}
