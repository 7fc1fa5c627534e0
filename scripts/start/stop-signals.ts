import type { Clock } from "../../platform/ports/clock.ts";

/** One Ctrl-C reaches us from the terminal and again from npm; a second one comes later than that. */
export const SAME_CTRL_C_MS = 500;

export interface StopSignalsDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** The first: stop politely. */
  readonly stop: () => void;
  /** Asked once more: do not wait for what does not stop. */
  readonly force: () => void;
}

/** What to do at each signal that asks us to stop. */
export function stopSignals({ clock, stop, force }: StopSignalsDeps): () => void {
  let firstMs: number | undefined;
  return () => {
    const nowMs = clock.monotonicMs();
    if (firstMs === undefined) {
      firstMs = nowMs;
      stop();
    } else if (nowMs - firstMs > SAME_CTRL_C_MS) force();
  };
}
