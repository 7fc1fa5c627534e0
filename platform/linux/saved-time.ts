import { closeSync, openSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

/** How often the time is saved: a machine without a clock that kept running is behind by this much at most after a power cut. */
const SAVE_EVERY_MS = 3_600_000;
const NAME = "last-time";

/**
 * The newest time that the network confirmed, kept as the time stamp of an empty file: one small write an hour. A wall clock
 * before it is wrong, as after a boot without a battery-backed clock.
 */
export class SavedTime {
  readonly #path: string;
  #savedMs: number;

  constructor(dataDir: string) {
    this.#path = join(dataDir, NAME);
    this.#savedMs = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  /** Milliseconds since the epoch; 0 when none was saved. */
  floorMs(): number {
    return this.#savedMs;
  }

  /** Saves a confirmed time, at most hourly. A disk that cannot be written keeps the older one. */
  confirm(wallMs: number): void {
    // A saved time in the future was confirmed by a wrong clock, and is replaced.
    if (wallMs >= this.#savedMs && wallMs < this.#savedMs + SAVE_EVERY_MS) return;
    try {
      closeSync(openSync(this.#path, "a", 0o600));
      utimesSync(this.#path, wallMs / 1_000, wallMs / 1_000);
    } catch {
      // The data folder's own check tells of a disk that cannot be written; without it the floor is only older.
      return;
    }
    this.#savedMs = wallMs;
  }
}
