import * as v from "valibot";

/** How a trial of a slot ended. */
export const SlotOutcomeSchema = v.object({
  state: v.picklist(["confirmed", "refused"]),
  /** Of a refusal. */
  code: v.optional(v.string()),
  message: v.string(),
});
export type SlotOutcome = v.InferOutput<typeof SlotOutcomeSchema>;

/** The trial of a slot, in `vitrine-slot.json` on the partition that both slots share. The next trial replaces it. */
export const SlotRecordSchema = v.object({
  /** Boot id of the trial: the outcome is reported once under it. */
  id: v.pipe(v.string(), v.maxLength(64)),
  /** Boot partitions of the slot before, and of the one on trial. */
  from: v.number(),
  to: v.number(),
  outcome: v.optional(SlotOutcomeSchema),
  /** Outcomes of trials before this one that the agent could not store yet, oldest first. */
  earlier: v.optional(v.array(v.object({ id: v.pipe(v.string(), v.maxLength(64)), outcome: SlotOutcomeSchema }))),
  /** The agent has stored the outcome. The firmware's flag goes on saying that the boot is a try, so this is what ends the trial. */
  reported: v.optional(v.boolean()),
});
export type SlotRecord = v.InferOutput<typeof SlotRecordSchema>;
