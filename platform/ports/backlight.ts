import type { Result } from "./result.ts";

/**
 * The backlight of a panel that this machine drives itself. Codes: `display.unplugged` (it is gone), `backlight.no-access`,
 * `backlight.failed` (the driver answered an error or hangs).
 */
export interface Backlight {
  look(): Promise<Result<BacklightState>>;
  /** `level`: 0 to `max`. */
  setLevel(level: number): Promise<Result<void>>;
  setPower(on: boolean): Promise<Result<void>>;
}

export interface BacklightState {
  /** The level that was set. */
  readonly level: number;
  /** What the hardware has, if it can be asked. Often 0 while the panel is dark. */
  readonly actual?: number;
  readonly max: number;
  /** Absent if it cannot be switched apart from its level. */
  readonly isOn?: boolean;
}

/**
 * Opens the backlight of an output, or the one with the name in `connection`; without either, the only or most suitable one.
 * Code: `backlight.none`.
 */
export type OpenBacklight = (where: { readonly output?: string; readonly connection?: string }) => Promise<Result<Backlight>>;
