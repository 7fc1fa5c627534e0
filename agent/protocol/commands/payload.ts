import * as v from "valibot";
import { DurationMsSchema, FingerprintSchema, IdSchema, JsonObjectSchema, PositiveSchema, WallMsSchema } from "../values.ts";

/** Payload of a signed command. */
export const CommandPayloadSchema = v.object({
  device: FingerprintSchema,
  /** Chosen by the sender. Together with `attempt` the key under which it runs once. */
  id: IdSchema,
  /** 1, 2, …: a higher attempt of the same id is a wanted re-run. */
  attempt: PositiveSchema,
  /** Rises with every command and cancel the owner signs for this device; guards against replay. */
  number: PositiveSchema,
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  params: JsonObjectSchema,
  issuedMs: WallMsSchema,
  /** Not started after this time by the cloud's clock, or by the device's where that is synchronised: `expired`. */
  notAfterMs: WallMsSchema,
  /** Not started this long after delivery, on the device's monotonic clock: `expired`. */
  ttlMs: v.optional(DurationMsSchema),
});
export type CommandPayload = v.InferOutput<typeof CommandPayloadSchema>;

/** Payload of a signed cancel. */
export const CancelPayloadSchema = v.object({
  device: FingerprintSchema,
  id: IdSchema,
  attempt: PositiveSchema,
  number: PositiveSchema,
  issuedMs: WallMsSchema,
});
export type CancelPayload = v.InferOutput<typeof CancelPayloadSchema>;
