import type { Timers } from "../../platform/ports/clock.ts";

/** Resolves after `delayMs`. A process that dies meanwhile never hears of it, and nothing remembers that it waited. */
export function pause(timers: Timers, name: string, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(name, delayMs, resolve);
  });
}
