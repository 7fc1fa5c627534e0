import type { Alarm } from "../../protocol/records.ts";
import type { Code } from "../../../platform/ports/codes.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";

/** A condition that is on or off. Raising what is raised and clearing what is clear do nothing. */
export interface Alarms {
  raise(code: Code, severity: Alarm["severity"], message: string, evidence?: JsonObject): void;
  clear(code: Code, message: string): void;
  /** What is raised now, by code. */
  active(): ReadonlyMap<string, { readonly severity: Alarm["severity"]; readonly message: string; readonly sinceMs: number }>;
}
