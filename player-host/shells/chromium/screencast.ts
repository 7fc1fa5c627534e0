import type { Timers } from "../../../platform/ports/clock.ts";
import { TimeoutError, withDeadline } from "../../../platform/runtime/sleep.ts";
import { CdpError, type Cdp } from "./cdp-client.ts";

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
  /** True once more than `count` frames have come, false after `timeoutMs`. */
  moreThan(count: number, timeoutMs: number): Promise<boolean>;
}

/**
 * Frames as the compositor puts them out, scaled there. Used for every capture, because the protocol's
 * screenshot call resizes the page for a moment when it scales (seen on the screen), and needs the renderer
 * (so it hangs with it). The first frame comes at once, from a page that stands still too.
 */
export class Screencast {
  readonly #cdp: Cdp;
  readonly #sessionId: string | undefined;
  readonly #timers: Timers;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(cdp: Cdp, sessionId: string | undefined, timers: Timers) {
    this.#cdp = cdp;
    this.#sessionId = sessionId;
    this.#timers = timers;
  }

  /** Runs `look` with an open cast; one after the other, because a page has only one. */
  async with<T>(settings: CastSettings, look: (cast: OpenCast) => Promise<T>): Promise<T> {
    const work = this.#turn.then(() => this.#run(settings, look));
    this.#turn = work.catch(() => undefined);
    return work;
  }

  async #run<T>(settings: CastSettings, look: (cast: OpenCast) => Promise<T>): Promise<T> {
    const options = { sessionId: this.#sessionId, timeoutMs: 3_000 };
    let last: string | undefined;
    let count = 0;
    const wakes = new Set<() => void>();
    const off = this.#cdp.on("Page.screencastFrame", this.#sessionId, (frame) => {
      last = frame.data;
      count += 1;
      for (const wake of wakes) wake();
      this.#cdp.call("Page.screencastFrameAck", { sessionId: frame.sessionId }, options).catch(ignoreCdp);
    });
    try {
      const { format, quality, widthMax, heightMax } = settings;
      await this.#cdp.call("Page.startScreencast", { format, quality, maxWidth: widthMax, maxHeight: heightMax }, options);
      return await look({
        last: () => last,
        count: () => count,
        moreThan: async (than, timeoutMs) => {
          const arrived = new Promise<void>((resolve) => {
            const wake = (): void => {
              if (count > than) resolve();
            };
            wakes.add(wake);
            wake();
          });
          return withDeadline(this.#timers, "screencast.frame", timeoutMs, arrived).then(() => true, falseOnTimeout);
        },
      });
    } finally {
      off();
      await this.#cdp.call("Page.stopScreencast", undefined, options).catch(ignoreCdp);
    }
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
