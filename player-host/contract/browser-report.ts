import * as v from "valibot";

const SentenceSchema = v.pipe(v.string(), v.maxLength(2000));
const AfterMsSchema = v.pipe(v.number(), v.minValue(0));

/** A browser that was tried before, or looked for, and why it is not the one that runs. */
export const PassedOverSchema = v.object({ name: v.pipe(v.string(), v.maxLength(200)), why: SentenceSchema });
export type PassedOver = v.InferOutput<typeof PassedOverSchema>;

/** The browser that draws the picture: which, why this one, and whether it has shown that it works. */
export const BrowserReportSchema = v.object({
  /** `chromium 156.0.8078.108`, `electron 45.4.1`; without a version until it has started once. */
  name: v.pipe(v.string(), v.maxLength(200)),
  /** Why this one: where it was found, or who named it. */
  why: SentenceSchema,
  /** Whether it runs in its own sandbox. Root has none. */
  sandbox: v.boolean(),
  /** Against the versions that Vitrine was tested with, see `supported-browsers.ts`; `unknown` until its version is. */
  support: v.picklist(["tested", "untested", "too-old", "unknown"]),
  /** `seen`: a frame of a loaded page arrived so long after the start. `none`: there was none in time, or it ended before. */
  picture: v.variant("kind", [
    v.object({ kind: v.literal("waiting") }),
    v.object({ kind: v.literal("seen"), afterMs: AfterMsSchema }),
    v.object({ kind: v.literal("none"), why: SentenceSchema }),
  ]),
  passedOver: v.pipe(v.array(PassedOverSchema), v.maxLength(16), v.readonly()),
});
export type BrowserReport = v.InferOutput<typeof BrowserReportSchema>;
