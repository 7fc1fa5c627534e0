import type { SeededRandom } from "../../platform/simulated/seeded-random.ts";
import type { VirtualTime } from "../../platform/simulated/virtual-time.ts";
import type { Faults, Workload } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Trace } from "./trace.ts";

/** An invariant that did not hold. */
export interface Breach {
  readonly invariant: string;
  readonly message: string;
  /** Monotonic virtual time. */
  readonly atMs: number;
}

/** Parts of the real thing that a test switches off, to see an invariant break. */
export interface Sabotage {
  /** Writes of the command journal go nowhere. */
  readonly journalForgets?: boolean;
  /** Outbox commits are acknowledged and do not happen. */
  readonly outboxForgets?: boolean;
  /** The cloud acknowledges records that it does not store. */
  readonly cloudForgets?: boolean;
  /** A pulse of hardware happens twice. */
  readonly doublePulse?: boolean;
  /** The hardware reports something else than it does. */
  readonly lyingPanel?: boolean;
  /** The device connects without any pause between attempts. */
  readonly hammering?: boolean;
  /** Nobody ever mends the network. */
  readonly neverHeals?: boolean;
  /** Some timers are made that never fire and are never canceled. */
  readonly leakyTimers?: boolean;
  /** The outbox hands the same number out again after every start. */
  readonly numbersReused?: boolean;
  /** A part of the core throws. */
  readonly throwingPart?: boolean;
}

/** What every part of one simulation shares. */
export interface SimContext {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly ledger: Ledger;
  readonly workload: Workload;
  readonly sabotage: Sabotage;
  /** In force now; everything is 0 once the world heals. */
  faults(): Faults;
  /** The first breach ends the run. */
  breach(invariant: string, message: string): void;
}
