import { fail, ok } from "../../ports/result.ts";
import type { OpenDriver } from "../drivers.ts";
import { BacklightDriver } from "./backlight-driver.ts";

/** A panel of this machine, by output or by the backlight's name in `connection`. Codes: `display.driver-unavailable`, those of `OpenBacklight`. */
export const openBacklight: OpenDriver = async ({ name, output, connection }, { openBacklight: open, clock }) => {
  if (open === undefined) return fail("display.driver-unavailable", `${name}: this machine has no backlights`, "use another driver");
  const opened = await open({ ...(output !== undefined && { output }), ...(connection !== undefined && { connection }) });
  if (!opened.ok) return { ok: false, error: { ...opened.error, message: `${name}: ${opened.error.message}` } };
  const looked = await opened.value.look();
  const switchesPower = looked.ok ? looked.value.isOn !== undefined : true;
  return ok({ driver: new BacklightDriver({ backlight: opened.value, clock, switchesPower }) });
};
