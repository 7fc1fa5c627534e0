import * as v from "valibot";

const SentenceSchema = v.pipe(v.string(), v.maxLength(2000));
const AfterMsSchema = v.pipe(v.number(), v.minValue(0));

/** A browser that was looked for or tried first, and why it was not used. */
export const PassedOverSchema = v.object({ name: v.pipe(v.string(), v.maxLength(200)), why: SentenceSchema });
export type PassedOver = v.InferOutput<typeof PassedOverSchema>;

/** The browser that renders the picture: which one, why this one, and whether it has proved that it works. */
export const BrowserReportSchema = v.object({
  /** `chromium 156.0.8078.108`, `electron 45.4.1`; without a version until it has started once. */
  name: v.pipe(v.string(), v.maxLength(200)),
  /** Why it was chosen: where it was found, or who named it. */
  why: SentenceSchema,
  /** Whether it runs in its own sandbox; as root it cannot. */
  sandbox: v.boolean(),
  /** Compared with the versions that Vitrine was tested with, see `supported-browsers.ts`; `unknown` until its version is known. */
  support: v.picklist(["tested", "untested", "too-old", "unknown"]),
  /** `seen`: a frame of a loaded page arrived `afterMs` after the start. `none`: none arrived in time, or the browser ended first. */
  picture: v.variant("kind", [
    v.object({ kind: v.literal("waiting") }),
    v.object({ kind: v.literal("seen"), afterMs: AfterMsSchema }),
    v.object({ kind: v.literal("none"), why: SentenceSchema }),
  ]),
  passedOver: v.pipe(v.array(PassedOverSchema), v.maxLength(16), v.readonly()),
});
export type BrowserReport = v.InferOutput<typeof BrowserReportSchema>;
