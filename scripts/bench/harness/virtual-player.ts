import type { PlayerEvent, PlayerLink, PlayerStatus } from "../../../agent/core/player/player-port.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { fail } from "../../../platform/ports/result.ts";

/** As the real host does. */
const METRICS_EVERY_MS = 30_000;

/** A player host that always shows its content and reports metrics like the real one. */
export class VirtualPlayer implements PlayerLink {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #sinceMs: number;
  #onEvent: (event: PlayerEvent) => void = () => {};
  #rounds = 0;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.#sinceMs = clock.monotonicMs();
    this.#again();
  }

  status(): PlayerStatus {
    return {
      kind: "present", instance: "bench", pid: 1, shell: "chromium 156.0", heardMs: this.#clock.monotonicMs(),
      stage: { kind: "playing", content: "bench", sinceMs: this.#sinceMs, loads: 1 },
      picture: { verdict: "showing", confidence: 0.9, evidence: [{ witness: "frames", says: "the page makes frames" }] },
    };
  }

  onStatus(): () => void {
    return () => {};
  }

  onEvent(listener: (event: PlayerEvent) => void): () => void {
    this.#onEvent = listener;
    return () => {};
  }

  setScene(): void {}
  setContext(): void {}
  pageStored(): void {}
  sendGpio(): void {}

  request(): Promise<ReturnType<typeof fail>> {
    return Promise.resolve(fail("player.absent", "this player only plays"));
  }

  #again(): void {
    this.#timers.after("bench.player", METRICS_EVERY_MS, () => {
      this.#again();
      this.#rounds += 1;
      const swing = 1_000_000 * (this.#rounds % 7);
      this.#onEvent({
        t: "metrics",
        metrics: {
          "player.sends-dropped": 0, "player.renderer-bytes": 180_000_000 + swing, "player.renderers": 1, "player.browser-bytes": 210_000_000 + swing,
          "player.js-heap-bytes": 24_000_000 + swing, "player.fps": 59 + (this.#rounds % 2), "player.host-bytes": 70_000_000 + swing,
        },
      });
    });
  }
}
