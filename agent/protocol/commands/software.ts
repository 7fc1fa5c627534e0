import * as v from "valibot";
import { VersionSchema } from "../release.ts";
import { SignedSchema } from "../signed.ts";
import { HttpUrlSchema, WallMsSchema } from "../values.ts";
import { DAY_MS, defineCommand, HOUR_MS, MINUTE_MS } from "./definition.ts";

const minutes = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));

export const softwareUpdate = defineCommand({
  name: "software.update",
  summary: "Installs a release of agent, player host and browser, and takes it back unless it proves itself.",
  wall: "Nothing, if only the agent changed. Otherwise the player restarts once, and once more if the release is taken back.",
  proof: "The new release runs, the verdict over the screen is as good as before, and the cloud was reached, for the whole time of the trial.",
  params: v.strictObject({
    release: v.pipe(SignedSchema, v.description("The signed release manifest (`npm run package:manifest`). Its key is the vendor's, not the owner's.")),
    mirror: v.optional(v.pipe(HttpUrlSchema, v.description("Folder to download the files from, under their own names. Default: the addresses in the manifest."))),
    notBeforeMs: v.optional(v.pipe(WallMsSchema, v.description("Start of the window in which it may begin, ms since the epoch by the cloud's clock."))),
    notAfterMs: v.optional(v.pipe(WallMsSchema, v.description("End of that window; then it fails with `update.window-over`."))),
    spreadMinutes: v.optional(v.pipe(minutes(12 * 60), v.description("It begins at a random time within this many minutes, so that a fleet does not download at once. Default: 0."))),
    holdSeconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(5), v.maxValue(600), v.description("How long picture and link have to be good before the release is confirmed. Default: 60."))),
    trialMinutes: v.optional(v.pipe(minutes(60), v.minValue(1), v.description("Time for the trial, at least twice `holdSeconds`; then the device goes back. Default: 10."))),
  }),
  result: v.object({ version: VersionSchema, from: VersionSchema }),
  lane: "software",
  needs: "software.update",
  expectedMs: 5 * MINUTE_MS,
  timeoutMs: 30 * HOUR_MS,
  ttlMs: DAY_MS,
  ttlMaxMs: DAY_MS,
  idempotent: true,
  afterCrash: "ask",
  // The release itself may be what ends the agent. The updater goes back long before this many restarts.
  restartsMax: 30,
  // The updater switches, and goes back, whether somebody waits for it or not.
  finishesOnceIntended: true,
});
