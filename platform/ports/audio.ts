import type { Effect, Reading } from "./reading.ts";

/** The player's own audio output (not the panel's speakers, see `Display`). */
export interface Audio {
  volume(): Promise<Reading<number>>;
  mute(): Promise<Reading<boolean>>;
  /** `percent` 0 to 100. */
  setVolume(percent: number): Promise<Effect<number>>;
  setMute(mute: boolean): Promise<Effect<boolean>>;
}
