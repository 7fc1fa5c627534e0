import { fail, ok } from "../../ports/result.ts";
import type { OpenDriver } from "../drivers.ts";
import { CecDriver } from "./cec-driver.ts";

/** The HDMI inputs of a TV: their physical addresses are 1.0.0.0 to 4.0.0.0 (HDMI 1.4b, 8.7.2). */
const INPUTS: ReadonlyMap<string, number> = new Map([1, 2, 3, 4].map((port) => [`hdmi-${port}`, port << 12]));

/** A TV on the machine's HDMI-CEC bus. Code: `display.driver-unavailable`. */
export const openCec: OpenDriver = ({ name }, { cec, clock }) =>
  Promise.resolve(cec === undefined ? fail("display.driver-unavailable", `${name}: this machine has no HDMI-CEC`, "use another driver") : ok({ driver: new CecDriver({ cec, clock, inputs: INPUTS }) }));
