import * as v from "valibot";
import { CodeSchema, DurationMsSchema, PositiveSchema, TextSchema } from "../../../agent/protocol/values.ts";

/** How the cloud misbehaves towards one device, for tests. Absent keys are off. */
export const MisbehaviourSchema = v.strictObject({
  neverAck: v.optional(v.pipe(v.boolean(), v.description("Stores records but never acknowledges them."))),
  acksGoBack: v.optional(v.pipe(v.boolean(), v.description("Every second `stored` is lower than the one before."))),
  slowMs: v.optional(v.pipe(PositiveSchema, v.maxValue(60_000), v.description("Sends every frame this many ms late."))),
  dropAfterFrames: v.optional(
    v.pipe(PositiveSchema, v.maxValue(10_000), v.description("Cuts the connection after this many frames from the device.")),
  ),
  halfOpen: v.optional(v.pipe(v.boolean(), v.description("Keeps reading but sends nothing more."))),
  refuse: v.optional(
    v.pipe(
      v.strictObject({ code: CodeSchema, message: v.optional(TextSchema), retryAfterMs: v.optional(DurationMsSchema) }),
      v.description("Refuses the hello."),
    ),
  ),
  welcomeVersions: v.optional(
    v.pipe(
      v.array(PositiveSchema),
      v.minLength(1),
      v.maxLength(16),
      v.description("Offers these protocol versions in the challenge."),
    ),
  ),
  desiredGoesBack: v.optional(
    v.pipe(v.boolean(), v.description("Signs and sends a lower desired version than before, like a restored old backup.")),
  ),
  storedGoesBack: v.optional(
    v.pipe(v.boolean(), v.description("Says in the welcome that nothing is stored, like a restored old backup.")),
  ),
  nonsense: v.optional(v.pipe(v.boolean(), v.description("Sends a frame of nonsense after every frame."))),
});
export type Misbehaviour = v.InferOutput<typeof MisbehaviourSchema>;

/** Single wrong actions, done once on request. */
export const MISDEEDS = [
  "nonsense-frame",
  "unknown-type",
  "oversized-frame",
  "binary-frame",
  "unsigned-command",
  "wrong-key-command",
  "tampered-command",
  "replayed-command",
  "old-number-command",
  "expired-command",
  "other-device-command",
  "unknown-command",
  "desired-invalid",
  "desired-older",
] as const;
export type Misdeed = (typeof MISDEEDS)[number];

/** Active misbehaviour per device, and the default for devices without a setting. Not kept across restarts. */
export class Misbehaviours {
  #forNew: Misbehaviour = {};
  readonly #byDevice = new Map<string, Misbehaviour>();

  of(device: string): Misbehaviour {
    return this.#byDevice.get(device) ?? this.#forNew;
  }

  set(device: string, misbehaviour: Misbehaviour): void {
    this.#byDevice.set(device, misbehaviour);
  }

  forNew(): Misbehaviour {
    return this.#forNew;
  }

  setForNew(misbehaviour: Misbehaviour): void {
    this.#forNew = misbehaviour;
  }

  forget(device: string): void {
    this.#byDevice.delete(device);
  }
}
