import * as v from "valibot";
import { isJsonObject } from "../../platform/runtime/json.ts";

/** What a page may say to the host. Everything here comes from untrusted code. */
const IdSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** `v.record` also takes lists: they are objects to JavaScript, and none to whoever reads the data. */
const ObjectSchema = v.custom<Record<string, unknown>>(isJsonObject, "must be an object");
const WHOLE_MS_MAX = 253_402_300_799_999;
const YEAR_MS = 31_622_400_000;

/** A page measures with fractions of milliseconds; the wire has whole ones. */
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
  /** Refusals the page's own side has counted. Believed as a number for people, for nothing else. */
  v.object({ id: IdSchema, do: v.literal("refused"), counts: v.record(v.string(), v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1e9))) }),
  v.object({ id: IdSchema, do: v.literal("error"), message: v.pipe(v.string(), v.maxLength(2000)) }),
]);
export type PageCall = v.InferOutput<typeof PageCallSchema>;
