import type { JsonObject } from "../../../../../platform/runtime/json.ts";
import type { LabWorld } from "../../model/simulated-world.ts";

/** Does one action; resolves when the device answered. */
export type Act = (action: string, params?: JsonObject) => Promise<void>;

/** What a part of the lab draws. */
export interface LabPartProps {
  readonly world: LabWorld;
  readonly act: Act;
}
