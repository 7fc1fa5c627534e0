import * as v from "valibot";
import { defineCommand, HOUR_MS, MINUTE_MS } from "./definition.ts";

const ByteSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));

export const cecSend = defineCommand({
  name: "cec.send",
  summary: "Sends one HDMI-CEC message.",
  wall: "Depends on the message.",
  proof: "The bus acknowledged the frame; the answer, if any, is in the result.",
  params: v.strictObject({
    destination: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(15), v.description("Logical address; 0 is the TV, 15 is broadcast.")),
    opcode: v.optional(ByteSchema),
    operands: v.optional(v.pipe(v.array(ByteSchema), v.maxLength(14))),
  }),
  result: v.object({ acknowledged: v.boolean(), reply: v.optional(v.object({ opcode: ByteSchema, operands: v.array(ByteSchema) })) }),
  lane: "cec",
  needs: "cec",
  expectedMs: 500,
  timeoutMs: 15_000,
  ttlMs: MINUTE_MS,
  ttlMaxMs: HOUR_MS,
  idempotent: false,
  afterCrash: "ask",
});
