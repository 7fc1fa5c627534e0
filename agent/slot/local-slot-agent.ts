import * as v from "valibot";
import { ok, type Result } from "../../platform/ports/result.ts";
import { askAgent } from "../node/local-api/local-client.ts";
import type { SlotAgent } from "./slot-judge.ts";

const ANSWER_MS = 10_000;
/** What of the agent's status counts here. */
const StatusSchema = v.object({
  owner: v.object({ kind: v.string() }),
  link: v.object({ kind: v.string() }),
  player: v.optional(v.object({ kind: v.string() })),
  screen: v.optional(v.object({ verdict: v.string() })),
});

/** The agent on this machine, behind its local socket. */
export function localSlotAgent(socketPath: string): SlotAgent {
  return {
    status: async () => {
      const asked = await askAgent(socketPath, "status", {}, ANSWER_MS);
      const read = asked.ok ? v.safeParse(StatusSchema, asked.value) : undefined;
      if (read?.success !== true) return undefined;
      const { owner, link, player = { kind: "absent" }, screen } = read.output;
      return { isClaimed: owner.kind === "claimed", isOnline: link.kind === "online", verdict: screen?.verdict, hasPlayer: player.kind !== "absent" };
    },
    report: async (id, outcome): Promise<Result<void>> => {
      const stored = await askAgent(socketPath, "slot-outcome", { id, ...outcome }, ANSWER_MS);
      return stored.ok ? ok(undefined) : stored;
    },
  };
}
