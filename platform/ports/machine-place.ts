import type { Result } from "./result.ts";

/** Where the machine is. Its time zone is the `ClockControl`'s. */
export interface MachinePlace {
  /**
   * Rules for the radio (regulatory domain), by ISO 3166 code; until the next boot. Without them an adapter may see only some channels. May be
   * repeated. Error: `place.not-set`.
   */
  setCountry(code: string): Promise<Result<void>>;
}
