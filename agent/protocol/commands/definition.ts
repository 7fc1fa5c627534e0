import type * as v from "valibot";
import type { CommandedProperty } from "../../../platform/ports/display-properties.ts";

/**
 * Commands on one lane run one after the other; lanes are independent, so that a hung display cannot delay a reboot. One
 * lane per hardware resource.
 */
export type Lane = "machine" | "player" | "capture" | "display" | "audio" | "gpio" | "cec" | "support" | "software";

/** Capability of the device that a command needs. Without it the command is `rejected` with `unsupported`. */
export type Capability =
  | "power.reboot" | "power.shutdown" | "player" | "player.screenshot"
  | `display.${CommandedProperty}`
  | "audio.volume" | "audio.mute" | "gpio" | "cec"
  | "software.update";

/** Full definition of a command, used by the executor, the documents and the dashboard. */
export interface CommandDefinition<P extends v.GenericSchema = v.GenericSchema, R extends v.GenericSchema = v.GenericSchema> {
  readonly name: string;
  /** One sentence: what it does. */
  readonly summary: string;
  /** What a viewer of the screen sees. */
  readonly wall: string;
  /** The observed fact behind `succeeded`. */
  readonly proof: string;
  readonly params: P;
  readonly result: R;
  readonly lane: Lane;
  readonly needs?: Capability;
  /** Usual time from start to outcome. */
  readonly expectedMs: number;
  /** Time limit from start to outcome; then `timed-out`. */
  readonly timeoutMs: number;
  /** Time limit without progress; then `timed-out`. Absent: only `timeoutMs` counts. */
  readonly stepTimeoutMs?: number;
  /** Default time to live after delivery. */
  readonly ttlMs: number;
  /** Maximum time to live a sender may request. */
  readonly ttlMaxMs: number;
  /**
   * When the outcome is unknown, sending the command again as a new attempt is harmless. For senders; the device never
   * repeats by itself.
   */
  readonly idempotent: boolean;
  /**
   * What happens after the agent or the machine ended while the command ran. `ask`: the hardware is asked for the outcome, and the
   * command never runs again. `run-again`: it only reads, or its effect ended with the agent, so nothing can happen twice.
   */
  readonly afterCrash: "ask" | "run-again";
  /** Most restarts of the agent while the command runs, before it is given up. Default: 3. */
  readonly restartsMax?: number;
  /**
   * From its intent on it cannot be stopped: the effect goes on without the agent, so only its end is an outcome. A cancel
   * that comes later is answered with `running` and changes nothing. Its time-out still counts, for an effect that never ends: its executor
   * intends nothing that may need longer. Default: a cancel stops it at any time.
   */
  readonly finishesOnceIntended?: boolean;
}

/** Keeps the exact schema types of a definition. */
export function defineCommand<P extends v.GenericSchema, R extends v.GenericSchema>(definition: CommandDefinition<P, R>): CommandDefinition<P, R> {
  return definition;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
