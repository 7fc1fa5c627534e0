import { fail, ok } from "../../ports/result.ts";
import type { OpenDriver } from "../drivers.ts";
import { OutputDriver } from "./output-driver.ts";

/** A display behind this machine's output, through the compositor. Code: `display.driver-unavailable`. */
export const openOutput: OpenDriver = ({ name, output }, { compositor }) =>
  Promise.resolve(
    compositor === undefined
      ? fail("display.driver-unavailable", `${name}: no compositor is configured`, "set compositor.socket")
      : ok({ driver: new OutputDriver(compositor, output) }),
  );
