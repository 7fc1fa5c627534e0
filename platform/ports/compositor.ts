import type { SettableValue } from "./display-properties.ts";
import type { OutputMode } from "./outputs.ts";
import type { Reading } from "./reading.ts";
import type { Result } from "./result.ts";

export type OutputPower = "on" | "off";
/** Clockwise angle by which the picture is turned on the glass, in degrees. */
export type Orientation = SettableValue<"orientation">;

/** One output as the compositor sees it. */
export interface CompositorOutput {
  /** Connector name, such as `HDMI-A-1`; the same as in `Outputs`. */
  readonly name: string;
  /** Part of the compositor's layout. A disabled output has no windows, no power state and no picture. */
  readonly enabled: boolean;
  /** `off`: the display gets no signal, but windows stay where they are. The page draws no frames then and is not told. */
  readonly power: Reading<OutputPower>;
  /** `unknown` for a mirrored picture, which no value describes. */
  readonly orientation: Reading<Orientation>;
  /** The mode in use; a `refreshHz` of 0 is not known. */
  readonly mode: Reading<OutputMode>;
  /** Modes that can be set, without duplicates. Empty for outputs that take any mode. */
  readonly modes: readonly OutputMode[];
  /** From the EDID, as the compositor words them; empty if it says nothing. */
  readonly make: string;
  readonly model: string;
  readonly serial: string;
}

export interface ScreenCapture {
  readonly png: Uint8Array;
  /** What took the picture and of what, at most 64 characters, such as `compositor HDMI-A-1`. */
  readonly source: string;
}

/**
 * The program that puts windows on the outputs (Wayland). It may end and be started again at any time: a call then fails with
 * `compositor.gone`, and a later one reaches the new compositor. Every call is bounded in time.
 * Codes: `compositor.gone`, `compositor.no-access`, `compositor.timed-out`, `compositor.bad-answer`, `compositor.unsupported`,
 * `compositor.no-such-output`, `compositor.output-disabled`, `compositor.no-such-mode`, `compositor.refused`,
 * `compositor.output-off` (`capture` only), and those of the program that takes the picture (`program.*`, `screenshot.bad-picture`).
 */
export interface Compositor {
  /** Maximum duration of any call but `capture`. */
  readonly worstCaseMs: number;
  readonly captureWorstCaseMs: number;
  /** Sorted by name. A compositor without output power has `unsupported` in each `power`. */
  outputs(): Promise<Result<readonly CompositorOutput[]>>;
  /** Switches the signal. The output stays enabled: disabling one moves windows and is known to end sessions. */
  setPower(output: string, power: OutputPower): Promise<Result<void>>;
  /** An output that is off stays off, and is turned at the latest when it is on again. */
  setOrientation(output: string, degrees: Orientation): Promise<Result<void>>;
  /**
   * `mode` is one of the output's modes, less than 1 Hz away: of 59.94 and 60 Hz the nearer one is taken. An output without a list takes any
   * mode, and chooses the rate itself if `refreshHz` is 0. Orientation, scale and position stay. An output that is off stays off, and
   * has the mode at the latest when it is on again.
   */
  setMode(output: string, mode: OutputMode): Promise<Result<void>>;
  /**
   * A picture of what is on the output, taken from the compositor and not from the browser. Without a name: of all outputs
   * together if all are on, else of the first that is on; `source` tells.
   */
  capture(output?: string): Promise<Result<ScreenCapture>>;
}
