import type { Timers } from "../../../platform/ports/clock.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { CdpError, type Cdp, type CdpCommands, type CdpParams } from "./cdp-client.ts";

export interface CastSettings {
  readonly format: "png" | "jpeg";
  readonly quality?: number | undefined;
  readonly widthMax?: number | undefined;
  readonly heightMax?: number | undefined;
}

/** Frames that come out of the browser's compositor while this is open. */
export interface OpenCast {
  /** Base64 of the newest frame. */
  last(): string | undefined;
  count(): number;
  /** True once more than `count` frames have come; false after `timeoutMs`, or at once when the cast is over. */
  moreThan(count: number, timeoutMs: number): Promise<boolean>;
  /** No frame comes any more: the look has its answer, or the renderer has died. */
  isOver(): boolean;
}

const CALL_TIMEOUT_MS = 3_000;
const ASK_AGAIN_MS = 100;
/** The next cast waits this long for the end of the one before, or its frames could be taken for its own. */
const STOP_TIMEOUT_MS = 300;

/**
 * Frames as the compositor puts them out, scaled there. Used for every capture, because the protocol's
 * screenshot call resizes the page for a moment when it scales (seen on the screen), and needs the renderer
 * (so it hangs with it). The first frame comes at once, from a still page too.
 *
 * Nothing here waits for the browser's answer to "start": Chromium 150 passes that question on to the renderer and
 * leaves it unanswered when the renderer hangs, and sends frames all the same.
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

  /** Runs `look` with an open cast; one after the other, because a page has only one. Rejects with a `CdpError` when the pipe has ended. */
  async with<T>(settings: CastSettings, look: (cast: OpenCast) => Promise<T>): Promise<T> {
    const work = this.#turn.then(() => this.#run(settings, look));
    this.#turn = work.catch(() => undefined).then(() => this.#ask("Page.stopScreencast", undefined, STOP_TIMEOUT_MS).catch(ignoreCdp));
    return work;
  }

  /** The renderer has died: whoever waits for a frame of it stops waiting. */
  abandon(): void {
    this.#abandon();
  }

  async #run<T>(settings: CastSettings, look: (cast: OpenCast) => Promise<T>): Promise<T> {
    let last: string | undefined;
    let count = 0;
    let over = false;
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
    this.#abandon = () => {
      over = true;
      wakeAll();
    };
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
      this.#abandon();
      this.#abandon = () => undefined;
    }
  }

  /**
   * Starts the cast; rejects when the pipe has ended, and never resolves. The browser refuses while one document takes
   * the place of another, so a refusal is asked again. Silence says nothing: frames come without an answer too.
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

/** The page or the browser went away meanwhile, which others report. */
function ignoreCdp(thrown: unknown): void {
  if (!(thrown instanceof CdpError)) throw thrown;
}
