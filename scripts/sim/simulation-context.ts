import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import type { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import type { Faults, Workload } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Releases } from "./releases.ts";
import type { RememberingCrypto } from "./remembering-crypto.ts";
import type { Trace } from "./trace.ts";

/** An invariant that did not hold. */
export interface Breach {
  readonly invariant: string;
  readonly message: string;
  /** Monotonic virtual time. */
  readonly atMs: number;
}

/** One part that a test breaks, to see an invariant break with it. */
export type Sabotage =
  /** Writes of the command journal go nowhere. */
  | "journal-forgets"
  /** Plays are acknowledged by the outbox's disk and not written. */
  | "outbox-forgets"
  /** What came back from memory to the disk vanishes from there at the next start, soon after trouble with the disk. */
  | "taken-back-vanishes"
  /** The cloud acknowledges records that it does not store. */
  | "cloud-forgets"
  /** Every outcome is followed by another one that says otherwise. */
  | "second-outcome"
  /** A pulse of hardware happens twice. */
  | "double-pulse"
  /** Every line, display and loudspeaker is told twice what it is told once. */
  | "double-order"
  /** A pulse is said to have been and was not. */
  | "invented-pulse"
  /** The loudspeaker reports something else than it does. */
  | "lying-audio"
  /** The agent takes its player host for lost. */
  | "host-unseen"
  /** The frame witness does not know that an output is off. */
  | "blind-witness"
  /** The device connects without any pause between attempts. */
  | "hammering"
  /** Nobody ever mends the network. */
  | "never-heals"
  /** The cloud's desired documents never arrive. */
  | "desired-lost"
  /** What the player host keeps of its page goes nowhere. */
  | "spool-forgets"
  /** The player host never hears that a record of its page is stored. */
  | "page-never-stored"
  /** The player host joins no agent before minutes have passed. */
  | "host-stays-away"
  /** Who decides about the display forgets what was set by hand. */
  | "hands-forgotten"
  /** A rule wants something else every few seconds. */
  | "fluttering-rule"
  /** Lines are said to be driven, and are not. */
  | "deaf-lines"
  /** Timers are made that nobody cancels. */
  | "leaky-timers"
  /** After a start the outbox gives the numbers of its log again, and the cloud does not object. */
  | "numbers-reused"
  /** The outbox forgets at every start which records it has seen. */
  | "keys-forgotten"
  /** What may wait a second for its write waits a minute. */
  | "late-writes"
  /** Old network settings are said to be back, and are not. */
  | "no-way-back"
  /** The disk takes more than its cap. */
  | "no-cap"
  /** The updater confirms every release with a right picture at once, without a verdict. */
  | "blind-confirmation"
  /** A release that draws nothing, or the wrong thing, is confirmed when the agent gives it up for that. */
  | "lenient-judge"
  /** Nobody starts the updater at a boot or after its end. */
  | "trial-unwatched"
  /** The release to go back to is removed as soon as another is switched to. */
  | "no-old-release"
  /** A release that went back is said to be confirmed. */
  | "invented-update"
  /** A timer of the agent throws. */
  | "throwing-timer"
  /** A unit of the agent throws. */
  | "throwing-unit";

/** What every part of one simulation shares. */
export interface SimContext {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly crypto: RememberingCrypto;
  readonly trace: Trace;
  readonly ledger: Ledger;
  readonly releases: Releases;
  readonly workload: Workload;
  readonly sabotage: Sabotage | undefined;
  /** In force now; everything is 0 once the world heals. */
  faults(): Faults;
  /** The first breach ends the run. */
  breach(invariant: string, message: string): void;
}
