import * as v from "valibot";
import { isJsonObject } from "../../platform/runtime/json.ts";

/** The calls a page may make. All of it comes from untrusted code. */
const IdSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A JSON object. `v.record` would also accept arrays. */
const ObjectSchema = v.custom<Record<string, unknown>>(isJsonObject, "must be an object");
const WHOLE_MS_MAX = 253_402_300_799_999;
const YEAR_MS = 31_622_400_000;

/** Pages measure fractions of milliseconds; messages carry whole ones. */
function wholeMs(maxMs: number) {
  return v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(maxMs), v.transform(Math.round));
}

export const PagePlaySchema = v.object({
  item: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  startedMs: wholeMs(WHOLE_MS_MAX),
  durationMs: wholeMs(YEAR_MS),
  result: v.picklist(["completed", "skipped", "failed"]),
  error: v.optional(v.pipe(v.string(), v.maxLength(1000))),
  data: v.optional(ObjectSchema),
});

export const PageCallSchema = v.variant("do", [
  v.object({ id: IdSchema, do: v.literal("device") }),
  v.object({ id: IdSchema, do: v.literal("config") }),
  v.object({ id: IdSchema, do: v.literal("watch-gpio") }),
  v.object({ id: IdSchema, do: v.literal("report-state"), state: ObjectSchema }),
  v.object({ id: IdSchema, do: v.literal("emit"), name: v.pipe(v.string(), v.minLength(1), v.maxLength(128)), data: v.optional(ObjectSchema) }),
  v.object({ id: IdSchema, do: v.literal("report-play"), play: PagePlaySchema }),
  /** Refusals counted on the page's side. Untrusted: used only for display. */
  v.object({ id: IdSchema, do: v.literal("refused"), counts: v.record(v.string(), v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1e9))) }),
  v.object({ id: IdSchema, do: v.literal("error"), message: v.pipe(v.string(), v.maxLength(2000)) }),
]);
export type PageCall = v.InferOutput<typeof PageCallSchema>;
