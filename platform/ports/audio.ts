import type { Effect, Reading } from "./reading.ts";

/** The player's own audio output (not the panel's speakers, see `Display`). */
export interface Audio {
  /** Percent of the loudest channel; over 100 where the mixer amplifies. */
  volume(): Promise<Reading<number>>;
  /** `unsupported` if the output has no switch for it; then `setMute` is not attempted either. */
  mute(): Promise<Reading<boolean>>;
  /** `percent` 0 to 100. */
  setVolume(percent: number): Promise<Effect<number>>;
  setMute(mute: boolean): Promise<Effect<boolean>>;
}
