import type { Decision } from "../state/decision.ts";

/** Whether the screen should be on right now, and why. `none`: cannot be determined, for example because the clock was never set. */
export interface ScreenExpectation {
  readonly expect: "on" | "off" | "none";
  readonly why: string;
}

/** What the decision about a display's power means for its screen. By default it should be lit. Pure. */
export function screenExpectation({ wanted, why }: Decision): ScreenExpectation {
  if (wanted === undefined) return { expect: "on", why: "nothing asks for a dark screen" };
  if (wanted.kind !== "value") return { expect: "none", why };
  return { expect: wanted.value === "standby" ? "off" : "on", why };
}
