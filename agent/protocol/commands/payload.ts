import * as v from "valibot";
import { DurationMsSchema, FingerprintSchema, IdSchema, JsonObjectSchema, PositiveSchema, WallMsSchema } from "../values.ts";

/** Payload of a signed command. */
export const CommandPayloadSchema = v.object({
  device: FingerprintSchema,
  /** Chosen by the sender. `id` and `attempt` together identify one execution; it runs at most once. */
  id: IdSchema,
  /** 1, 2, …: a higher attempt of the same id is an intentional re-run. */
  attempt: PositiveSchema,
  /** Increases with every command and cancel the owner signs for this device; prevents replay. */
  number: PositiveSchema,
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  params: JsonObjectSchema,
  issuedMs: WallMsSchema,
  /** Start deadline by the cloud's clock, or by the device's when that is synchronised; then `expired`. */
  notAfterMs: WallMsSchema,
  /** Time to live: the command must start within this time after delivery, by the device's monotonic clock, or it is `expired`. */
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
