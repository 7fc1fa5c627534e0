import * as v from "valibot";
import { PercentSchema } from "../values.ts";
import { defineCommand, HOUR_MS, MINUTE_MS } from "./definition.ts";

const common = { lane: "display", expectedMs: 3_000, timeoutMs: MINUTE_MS, ttlMs: 2 * MINUTE_MS, ttlMaxMs: HOUR_MS, idempotent: true, afterCrash: "ask" } as const;

export const displayPower = defineCommand({
  ...common,
  name: "display.power",
  summary: "Switches the display on or to standby.",
  wall: "The display lights up or goes dark.",
  proof: "The display, asked afterwards, reported the wanted state.",
  params: v.strictObject({ on: v.boolean() }),
  result: v.object({ power: v.string() }),
  needs: "display.power",
  expectedMs: 8_000,
});

export const displayInput = defineCommand({
  ...common,
  name: "display.input",
  summary: "Switches the display to one of its inputs.",
  wall: "The display shows the named input.",
  proof: "The display reported the wanted input.",
  params: v.strictObject({ input: v.pipe(v.string(), v.minLength(1), v.maxLength(32)) }),
  result: v.object({ input: v.string() }),
  needs: "display.input",
});

export const displayBrightness = defineCommand({
  ...common,
  name: "display.brightness",
  summary: "Sets the display's brightness.",
  wall: "The picture becomes brighter or darker.",
  proof: "The display reported the wanted brightness.",
  params: v.strictObject({ percent: PercentSchema }),
  result: v.object({ percent: v.number() }),
  needs: "display.brightness",
});

export const displayOrientation = defineCommand({
  ...common,
  name: "display.orientation",
  summary: "Turns the picture.",
  wall: "The picture turns clockwise by the angle.",
  proof: "The display or the output reported the wanted angle.",
  params: v.strictObject({ degrees: v.picklist([0, 90, 180, 270]) }),
  result: v.object({ degrees: v.number() }),
  needs: "display.orientation",
});
