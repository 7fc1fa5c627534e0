import type { HeardMessage } from "../ports/cec.ts";
import type { Result } from "../ports/result.ts";
import type { DisplayMood, WorldSection, WorldState } from "./world-state.ts";

/** Actions of the process that hosts the device. An action whose hook is missing answers `simulated.not-wired`. */
export interface WorldHooks {
  /** The plug was pulled: all of this device's software must be killed. */
  readonly onPowerCut?: () => void;
  readonly onFreezePlayer?: () => void;
  readonly onKillPlayer?: () => void;
}

/** The simulated world as actions may change it. */
export interface WorldControls {
  readonly state: WorldState;
  readonly hooks: WorldHooks;
  /** The device's own wall clock. */
  wallMs(): number;
  /** Changes sections. An unchanged section is not announced. */
  update(change: Partial<Pick<WorldState, WorldSection>>): void;
  updateDisplay(change: Partial<WorldState["display"]>): void;
  /** Throws for an unknown line. */
  updateLine(name: string, change: Partial<WorldState["gpio"]["lines"][string]>): void;
  /** Starts turning the TV on or off, which takes time. No effect when it is already in that state or changing to it. */
  turnDisplay(on: boolean): void;
  setMood(mood: DisplayMood): void;
  /** Unplugs or plugs in a cable. The TV's connector also decides whether CEC has an address. */
  plug(output: string, connected: boolean): Result<void>;
  /** Holds a push button on an input for `holdMs`, with `bounces` extra contacts at press and release. */
  pressButton(line: string, holdMs: number, bounces: number): Result<void>;
  /** The TV or another device says something on the CEC bus. Nothing is heard from a deaf or unplugged TV. */
  sayOnCec(message: HeardMessage): void;
  /** Somebody holds a key of the TV's remote that the TV passes on to us. `code`: a code of `CEC_KEYS`, or any other byte. */
  holdRemoteKey(code: number, holdMs: number): void;
}
