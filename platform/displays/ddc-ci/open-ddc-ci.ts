import { fail, ok } from "../../ports/result.ts";
import type { OpenDriver } from "../drivers.ts";
import { parseCapabilities } from "./capabilities.ts";
import { DdcCiDriver } from "./ddc-ci-driver.ts";
import { DdcCiLink } from "./ddc-ci-link.ts";

/** A monitor on the DDC wires of its output, or of the device file in `connection`. Codes: `display.driver-unavailable`, those of `OpenDdc`. */
export const openDdcCi: OpenDriver = (attachment, machine) => open(attachment, machine, false);

/** The same, whose power may be switched too. */
export const openDdcCiWithPower: OpenDriver = (attachment, machine) => open(attachment, machine, true);

async function open(...[{ name, output, connection }, { openDdc, clock, timers }, switchesPower]: [...Parameters<OpenDriver>, boolean]): ReturnType<OpenDriver> {
  if (openDdc === undefined) return fail("display.driver-unavailable", `${name}: this machine has no DDC wires`, "use another driver");
  const opened = await openDdc({ ...(output !== undefined && { output }), ...(connection !== undefined && { connection }) });
  if (!opened.ok) return { ok: false, error: { ...opened.error, message: `${name}: ${opened.error.message}` } };
  const ddc = opened.value;
  const link = new DdcCiLink({ ddc, clock, timers });
  // A display that is off now may answer later; until the next start it is offered what displays usually have.
  const text = await link.capabilities();
  const listed = text.ok ? parseCapabilities(text.value) : undefined;
  return ok({ driver: new DdcCiDriver({ link, clock, switchesPower, ...(listed !== undefined && { listed }) }), close: () => ddc.close() });
}
