import type { Clock } from "../../platform/ports/clock.ts";

/** Signals within this time are one Ctrl-C, which arrives from the terminal and again from npm. */
export const SAME_CTRL_C_MS = 500;

export interface StopSignalsDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** First request: stop in order. */
  readonly stop: () => void;
  /** Second request: kill what has not stopped. */
  readonly force: () => void;
}

/** Returns the handler for stop signals. */
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
