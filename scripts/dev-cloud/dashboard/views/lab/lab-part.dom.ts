import type { JsonObject } from "../../../../../platform/runtime/json.ts";
import type { LabWorld } from "../../model/simulated-world.ts";

/** Runs one action; resolves when the device has answered. */
export type Act = (action: string, params?: JsonObject) => Promise<void>;

export interface LabPartProps {
  readonly world: LabWorld;
  readonly act: Act;
}
