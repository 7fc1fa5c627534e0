import type { SimulatedCloud } from "../cloud/simulated-cloud.ts";
import type { SimulatedDevice } from "../device/simulated-device.ts";
import type { SimContext } from "../simulation-context.ts";

/** Everything an invariant may inspect. */
export interface SimWorld {
  readonly sim: SimContext;
  readonly devices: readonly SimulatedDevice[];
  readonly clouds: readonly SimulatedCloud[];
  /** The cloud to which every device returns when the world heals. */
  readonly home: SimulatedCloud;
}

/** Something that must hold. A failing seed reports its name. */
export interface Invariant {
  readonly name: string;
  /** Watches from the start and reports breaches. */
  watch?(world: SimWorld, breach: (message: string) => void): void;
  /** Checked every few virtual seconds; a text is a breach. */
  always?(world: SimWorld): string | undefined;
  /** Checked repeatedly after the world has healed, until it holds or the time is over; the last text is the breach. */
  healed?(world: SimWorld): string | undefined;
}
