import type { Timers } from "../../../platform/ports/clock.ts";
import type { Log } from "../../../platform/ports/log.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import type { OutputPower } from "../cdp/output-power.ts";

/** Interval at which it is asked whether an output has been enabled. */
const AGAIN_MS = 2_000;

export interface UntilOutputDeps {
  readonly outputs: OutputPower;
  readonly timers: Timers;
  readonly log: Log;
  /** Told at every look that finds no enabled output, with which ones are off. */
  readonly waits: (outputOff: string) => void;
}

/**
 * Resolves when an output is enabled, or nobody can tell, or `signal` aborts. A browser started without an enabled output neither
 * answers nor ends (seen with labwc 0.8.3, cage 0.2.0 and sway 1.10).
 */
export async function untilOutput({ outputs, timers, log, waits }: UntilOutputDeps, signal: AbortSignal): Promise<void> {
  for (let told = ""; !signal.aborted; ) {
    const output = await outputs.look();
    if (output.kind !== "off" || !output.disabled) return;
    if (output.says !== told) log.warn({ why: output.says }, "no output is enabled: the browser starts when one is");
    told = output.says;
    waits(output.says);
    await sleep(timers, "shell.no-output", AGAIN_MS, signal);
  }
}
