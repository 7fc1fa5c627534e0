import type { Cec } from "../../../../platform/ports/cec.ts";
import type { Effect } from "../../../../platform/ports/reading.ts";
import type { CommandExecutor } from "../executor.ts";

/** Longest time a CEC device may take to answer (HDMI 1.4b, CEC 9.2). */
const REPLY_TIMEOUT_MS = 1_000;

/** Codes: those of `Cec`, `cec.not-acknowledged`. */
export function cecSendExecutor(cec: Cec): CommandExecutor<"cec.send"> {
  return {
    async run({ destination, opcode, operands }, context) {
      if (context.signal.aborted)
        return { state: "failed", error: { code: "command.aborted", message: "stopped before the message was sent" } };
      const message = { destination, operands: Uint8Array.from(operands ?? []), ...(opcode === undefined ? {} : { opcode }) };
      const sent = await cec.send(message, REPLY_TIMEOUT_MS);
      if (!sent.ok) {
        if (sent.error.code === "cec.bad-message") return { state: "rejected", error: sent.error };
        return { state: "failed", error: sent.error };
      }
      const { acknowledged, reply } = sent.value;
      const effect: Effect = { attempted: true, acknowledged, observed: { kind: "unsupported" } };
      if (!acknowledged)
        return {
          state: "failed",
          error: { code: "cec.not-acknowledged", message: `logical address ${destination} did not acknowledge the frame` },
          effect,
        };
      const answer = reply === undefined ? {} : { reply: { opcode: reply.opcode, operands: [...reply.operands] } };
      return { state: "succeeded", result: { acknowledged, ...answer }, effect };
    },
  };
}
