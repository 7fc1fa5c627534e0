import type { Result } from "./result.ts";

/** Where the machine is. Both calls change nothing when it is so already. Errors: `place.not-set`. */
export interface MachinePlace {
  /** The machine's own time zone, by its IANA name; it stays over a boot. */
  setTimeZone(name: string): Promise<Result<void>>;
  /** Rules for the radio (regulatory domain), by ISO 3166 code; until the next boot. Without them an adapter may see only some channels. */
  setCountry(code: string): Promise<Result<void>>;
}
