import type { Effect, Reading } from "./reading.ts";

/** `standby` covers every state in which the panel shows nothing on purpose. */
export type DisplayPower = "on" | "standby" | "turning-on" | "turning-off";

/** Clockwise rotation of the picture in degrees. */
export type Orientation = 0 | 90 | 180 | 270;

/** What one display told us about itself, each fact on its own. */
export interface DisplayStatus {
  readonly power: Reading<DisplayPower>;
  /** Input the panel shows, by the adapter's own name for it, e.g. `hdmi-1`. */
  readonly input: Reading<string>;
  /** Percent, 0 to 100. */
  readonly brightness: Reading<number>;
  /** Percent, 0 to 100, of the panel's own speakers. */
  readonly volume: Reading<number>;
  readonly mute: Reading<boolean>;
  readonly orientation: Reading<Orientation>;
}

/** What a display can be asked to do. Anything absent is `unsupported`, never a silent success. */
export interface DisplayCapabilities {
  readonly power: boolean;
  /** Names accepted by `setInput`; empty: inputs cannot be switched. */
  readonly inputs: readonly string[];
  /** The input this device is plugged into, where it can be known (HDMI-CEC: from the physical address). */
  readonly ownInput?: string;
  readonly brightness: boolean;
  readonly volume: boolean;
  readonly mute: boolean;
  readonly orientations: readonly Orientation[];
  /** How power is observed: by asking the panel, by looking at our own output only, or not at all. */
  readonly powerObservedBy: "panel" | "output" | "nothing";
}

/**
 * The screen on the wall, over whatever wire reaches it (HDMI-CEC, a network protocol, a panel API).
 * Every setter returns what was attempted, acknowledged and then observed, within `worstCaseMs`.
 * Setters never throw for a display that does not answer; they say so in the `Effect`.
 * Calls are serialised by the implementation: a display bus carries one conversation at a time.
 */
export interface Display {
  readonly capabilities: DisplayCapabilities;
  /** Longest time any single call may take; callers derive their own deadlines from it. */
  readonly worstCaseMs: number;
  status(): Promise<DisplayStatus>;
  setPower(on: boolean): Promise<Effect<DisplayPower>>;
  setInput(input: string): Promise<Effect<string>>;
  /** `percent` 0 to 100. */
  setBrightness(percent: number): Promise<Effect<number>>;
  /** `percent` 0 to 100. */
  setVolume(percent: number): Promise<Effect<number>>;
  setMute(mute: boolean): Promise<Effect<boolean>>;
  setOrientation(orientation: Orientation): Promise<Effect<Orientation>>;
}
