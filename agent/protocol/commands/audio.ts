import * as v from "valibot";
import { PercentSchema } from "../values.ts";
import { defineCommand, HOUR_MS, MINUTE_MS } from "./definition.ts";

const common = { lane: "audio", expectedMs: 500, timeoutMs: 15_000, ttlMs: 2 * MINUTE_MS, ttlMaxMs: HOUR_MS, idempotent: true, afterCrash: "ask" } as const;

export const audioVolume = defineCommand({
  ...common,
  name: "audio.volume",
  summary: "Sets the player's volume.",
  wall: "The sound becomes louder or quieter.",
  proof: "The audio output reported the requested volume.",
  params: v.strictObject({ percent: PercentSchema }),
  result: v.object({ percent: v.number() }),
  needs: "audio.volume",
});

export const audioMute = defineCommand({
  ...common,
  name: "audio.mute",
  summary: "Mutes or unmutes the player.",
  wall: "The sound stops or returns.",
  proof: "The audio output reported the requested state.",
  params: v.strictObject({ mute: v.boolean() }),
  result: v.object({ mute: v.boolean() }),
  needs: "audio.mute",
});
