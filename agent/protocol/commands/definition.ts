import type * as v from "valibot";
import type { CommandedProperty } from "../../../platform/ports/display-properties.ts";

/**
 * Commands on one lane run one after the other; lanes do not wait for each other, so that a hung
 * display cannot hold up a reboot. One lane per hardware resource.
 */
export type Lane = "machine" | "player" | "capture" | "display" | "audio" | "gpio" | "cec" | "support";

/** What a command needs of the device; where it is absent the command is `rejected` with `unsupported`. */
export type Capability =
  | "power.reboot" | "power.shutdown" | "player" | "player.screenshot"
  | `display.${CommandedProperty}`
  | "audio.volume" | "audio.mute" | "gpio" | "cec";

/** Everything there is to know about one command: the executor, the documents and the dashboard all read this. */
export interface CommandDefinition<P extends v.GenericSchema = v.GenericSchema, R extends v.GenericSchema = v.GenericSchema> {
  readonly name: string;
  /** One sentence: what it does. */
  readonly summary: string;
  /** What somebody in front of the wall sees. */
  readonly wall: string;
  /** What `succeeded` means: the fact that was observed. */
  readonly proof: string;
  readonly params: P;
  readonly result: R;
  readonly lane: Lane;
  readonly needs?: Capability;
  /** Usual time from start to outcome. */
  readonly expectedMs: number;
  /** Started and not finished after this: `timed-out`. */
  readonly timeoutMs: number;
  /** Started and no progress for this long: `timed-out`. Absent: only the whole time counts. */
  readonly stepTimeoutMs?: number;
  /** Time to live after delivery where the sender gives none. */
  readonly ttlMs: number;
  /** Longest time to live a sender may ask for. */
  readonly ttlMaxMs: number;
  /** Where nobody knows what became of it, sending it again as a new attempt does no harm. For whoever sends; the device never does so itself. */
  readonly idempotent: boolean;
  /**
   * The agent or the machine ended while it ran. `ask`: the hardware is asked what became of it, and it never runs again.
   * `run-again`: it only looks, or what it did ended with the agent, so there is nothing that could be done twice.
   */
  readonly afterCrash: "ask" | "run-again";
}

/** Keeps the exact schema types of a definition. */
export function defineCommand<P extends v.GenericSchema, R extends v.GenericSchema>(definition: CommandDefinition<P, R>): CommandDefinition<P, R> {
  return definition;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
