import * as v from "valibot";
import { HttpUrlSchema, OriginSchema, PositiveSchema, Sha256Schema } from "./values.ts";

/** The content to play: an address, or a package that plays from disk without a network. */
export const ContentSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("url"),
    url: HttpUrlSchema,
    /** Human-readable name. */
    name: v.optional(v.pipe(v.string(), v.maxLength(128))),
    /**
     * Additional origins that belong to this content: the page may navigate or be redirected to them and has the page API
     * and its grants there. Without them it stays on its own origin, and a sign-in elsewhere is refused.
     */
    origins: v.optional(v.pipe(v.array(OriginSchema), v.maxLength(16))),
    /** Permissions of the page beyond the plain page API; a package requests them in its manifest. */
    grants: v.optional(v.pipe(v.array(v.picklist(["gpio"])), v.maxLength(8))),
  }),
  v.strictObject({
    kind: v.literal("package"),
    /** Address of the zip. */
    url: HttpUrlSchema,
    sha256: Sha256Schema,
    bytes: v.pipe(PositiveSchema, v.maxValue(4 * 1024 ** 3)),
    name: v.optional(v.pipe(v.string(), v.maxLength(128))),
  }),
]);
export type Content = v.InferOutput<typeof ContentSchema>;
