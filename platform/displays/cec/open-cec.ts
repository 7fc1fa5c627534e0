import { fail, ok } from "../../ports/result.ts";
import type { OpenDriver } from "../drivers.ts";
import { CecDriver } from "./cec-driver.ts";

/** The HDMI inputs of a TV: their physical addresses are 1.0.0.0 to 4.0.0.0 (HDMI 1.4b, 8.7.2). */
const INPUTS: ReadonlyMap<string, number> = new Map([1, 2, 3, 4].map((port) => [`hdmi-${port}`, port << 12]));

/** A TV on the HDMI-CEC bus of the configured output, or of the first one. Code: `display.driver-unavailable`. */
export const openCec: OpenDriver = ({ name, output }, { cec: first, cecBuses = [], clock }) => {
  const outputs = cecBuses.flatMap((bus) => bus.output ?? []);
  const mine = cecBuses.find((bus) => bus.output === output);
  // A driver that does not say which output it belongs to may be the one.
  const cec = output === undefined || outputs.length === 0 ? first : mine?.cec;
  if (cec !== undefined) return Promise.resolve(ok({ driver: new CecDriver({ cec, clock, inputs: INPUTS }) }));
  const what = first === undefined ? "this machine has no HDMI-CEC" : `the output ${output ?? ""} has no HDMI-CEC; those with it are ${outputs.join(", ")}`;
  return Promise.resolve(fail("display.driver-unavailable", `${name}: ${what}`, "use another driver"));
};
