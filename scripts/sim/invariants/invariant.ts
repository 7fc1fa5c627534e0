import type { SimulatedCloud } from "../cloud/simulated-cloud.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";
import type { SimContext } from "../simulation-context.ts";

/** Everything an invariant may look at. */
export interface SimWorld {
  readonly sim: SimContext;
  readonly devices: readonly SimulatedDevice[];
  readonly clouds: readonly SimulatedCloud[];
  /** Where every device is led to when the world heals. */
  readonly home: SimulatedCloud;
}

/** Something that must hold. Its name is what a failing seed says. */
export interface Invariant {
  readonly name: string;
  /** Listens from the start; what it reports is a breach. */
  watch?(world: SimWorld, breach: (message: string) => void): void;
  /** Looked at every few virtual seconds. */
  always?(world: SimWorld): string | undefined;
  /** Looked at after the world healed, again and again until it holds or its time is over. */
  healed?(world: SimWorld): string | undefined;
}
