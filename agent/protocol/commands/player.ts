import * as v from "valibot";
import { CountSchema, DurationMsSchema, JsonSchema, Sha256Schema } from "../values.ts";
import { defineCommand, DAY_MS, HOUR_MS, MINUTE_MS } from "./definition.ts";

export const restartPlayer = defineCommand({
  name: "restart-player",
  summary: "Restarts the player host and its browser.",
  wall: "A dark screen or our background for a few seconds, then the content from the beginning.",
  proof: "A new player host process connected to the agent and shows the content.",
  params: v.strictObject({}),
  result: v.object({ pidBefore: v.optional(CountSchema), pidAfter: CountSchema }),
  lane: "player",
  needs: "player",
  expectedMs: 5_000,
  timeoutMs: MINUTE_MS,
  ttlMs: 10 * MINUTE_MS,
  ttlMaxMs: DAY_MS,
  idempotent: true,
  afterCrash: "ask",
});

export const reloadPlayer = defineCommand({
  name: "reload-player",
  summary: "Reloads the content in the running browser.",
  wall: "A short flash at most, then the content from the beginning.",
  proof: "The page loaded again after the command started.",
  params: v.strictObject({ ignoreCache: v.optional(v.pipe(v.boolean(), v.description("Default: `false`."))) }),
  result: v.object({ loadedInMs: v.optional(v.pipe(DurationMsSchema, v.description("Absent if the agent restarted in the meantime."))) }),
  lane: "player",
  needs: "player",
  expectedMs: 2_000,
  timeoutMs: 45_000,
  ttlMs: 10 * MINUTE_MS,
  ttlMaxMs: DAY_MS,
  idempotent: true,
  afterCrash: "ask",
});

export const screenshot = defineCommand({
  name: "screenshot",
  summary: "Takes a picture of the screen and uploads it.",
  wall: "Nothing.",
  proof: "The upload's hash was accepted by the cloud. It does not say that the picture is on the glass.",
  params: v.strictObject({
    format: v.optional(v.pipe(v.picklist(["png", "jpeg"]), v.description("Default: `jpeg`."))),
    quality: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100), v.description("JPEG only; default 80."))),
    widthMax: v.optional(v.pipe(v.number(), v.integer(), v.minValue(64), v.maxValue(7680), v.description("Scaled down to at most this width, in pixels."))),
  }),
  result: v.object({
    source: v.pipe(v.string(), v.description("Where it was taken: by the browser (`…-renderer`, `…-compositor`), which does not prove what is on the glass, or from the machine's compositor.")),
    outputOff: v.optional(v.pipe(v.string(), v.description("The output is off (`HDMI-A-1 is off`): this is what the page drew, and nobody sees it. Absent also where the device cannot tell."))),
    /** Actual format: a picture too large for the link is sent as JPEG, whatever was requested. */
    contentType: v.string(),
    width: CountSchema,
    height: CountSchema,
    bytes: CountSchema,
    sha256: Sha256Schema,
    upload: v.string(),
  }),
  lane: "capture",
  needs: "player.screenshot",
  expectedMs: 1_500,
  timeoutMs: MINUTE_MS,
  ttlMs: 5 * MINUTE_MS,
  ttlMaxMs: HOUR_MS,
  idempotent: true,
  afterCrash: "run-again",
});

export const clearCache = defineCommand({
  name: "content.clear-cache",
  summary: "Clears the browser's cache, and on request its storage, and reloads the content.",
  wall: "The content starts again and may take longer to load.",
  proof: "The browser confirmed it and the page loaded again.",
  params: v.strictObject({ storage: v.optional(v.pipe(v.boolean(), v.description("Also clears what the page stored: local storage, IndexedDB, cookies. Default: `false`."))) }),
  result: v.object({ loadedInMs: v.optional(v.pipe(DurationMsSchema, v.description("Absent if the agent restarted in the meantime."))) }),
  lane: "player",
  needs: "player",
  expectedMs: 4_000,
  timeoutMs: MINUTE_MS,
  ttlMs: 10 * MINUTE_MS,
  ttlMaxMs: DAY_MS,
  idempotent: true,
  afterCrash: "ask",
});

export const identify = defineCommand({
  name: "identify",
  summary: "Shows a large label on the screen.",
  wall: "A large label with the device's name over the content, for the requested time.",
  proof: "The label was drawn by the player host.",
  params: v.strictObject({
    durationMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1_000), v.maxValue(600_000), v.description("Default: 15000."))),
    text: v.optional(v.pipe(v.string(), v.maxLength(80), v.description("Default: the device's name, or the beginning of its id."))),
  }),
  result: v.object({ shownMs: DurationMsSchema }),
  lane: "player",
  needs: "player",
  expectedMs: 500,
  timeoutMs: 15_000,
  ttlMs: 2 * MINUTE_MS,
  ttlMaxMs: HOUR_MS,
  idempotent: true,
  afterCrash: "ask",
});

export const pageMessage = defineCommand({
  name: "page.message",
  summary: "Sends a JSON message to the customer's page.",
  wall: "Whatever the page does with it.",
  proof: "The player host accepted the message for the page on the screen.",
  params: v.strictObject({ message: v.pipe(JsonSchema, v.description("Any JSON value; the page gets it from `vitrine.onMessage`.")) }),
  result: v.object({}),
  lane: "player",
  needs: "player",
  expectedMs: 50,
  timeoutMs: 5_000,
  ttlMs: MINUTE_MS,
  ttlMaxMs: HOUR_MS,
  idempotent: false,
  afterCrash: "ask",
});
