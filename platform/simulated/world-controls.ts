import type { Result } from "../ports/result.ts";
import type { DisplayMood, WorldSection, WorldState } from "./world-state.ts";

/** What only the process that hosts the device can do. An action whose hook is missing answers `simulated.not-wired`. */
export interface WorldHooks {
  /** The plug was pulled: everything of this device's software dies without a word. */
  readonly onPowerCut?: () => void;
  readonly onFreezePlayer?: () => void;
  readonly onKillPlayer?: () => void;
}

/** What an action may do to the simulated world. */
export interface WorldControls {
  readonly state: WorldState;
  readonly hooks: WorldHooks;
  /** Changes sections; nothing happens when they are as they were. */
  update(change: Partial<Pick<WorldState, WorldSection>>): void;
  updateDisplay(change: Partial<WorldState["display"]>): void;
  /** Throws for a line that the header does not have. */
  updateLine(name: string, change: Partial<WorldState["gpio"]["lines"][string]>): void;
  /** The TV starts to turn on or off; it takes its time. Already there or on the way: nothing happens. */
  turnDisplay(on: boolean): void;
  setMood(mood: DisplayMood): void;
  /** Pulls or plugs a cable. The TV's own connector also decides whether CEC has an address. */
  plug(output: string, connected: boolean): Result<void>;
  /** Holds a push button on an input for `holdMs`, with `bounces` extra contacts at either end. */
  pressButton(line: string, holdMs: number, bounces: number): Result<void>;
}
