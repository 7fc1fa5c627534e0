import type { JsonObject } from "../../../../../platform/runtime/json.ts";
import type { LabWorld } from "../../model/simulated-world.ts";

/** Part of the lab: drawn once, then told the world. */
export interface LabPart {
  readonly root: HTMLElement;
  update(world: LabWorld): void;
}

/** Does one action; resolves when the device answered. */
export type Act = (action: string, params?: JsonObject) => Promise<void>;
