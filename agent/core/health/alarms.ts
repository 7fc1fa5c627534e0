import type { Alarm } from "../../protocol/records.ts";
import type { Code } from "../../../platform/ports/codes.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** Conditions that are on or off. Raising a raised one only updates it; clearing a clear one does nothing. */
export interface Alarms {
  raise(code: Code, severity: Alarm["severity"], message: string, evidence?: JsonObject): void;
  clear(code: Code, message: string): void;
  /** The raised conditions by code, without those held back. `sinceMs` is wall time. */
  active(): ReadonlyMap<string, { readonly severity: Alarm["severity"]; readonly message: string; readonly sinceMs: number }>;
}
