import type { Accepted } from "../ledger.ts";
import { DURABLE_STREAMS } from "../../../agent/protocol/records.ts";
import type { Invariant, SimWorld } from "./invariant.ts";

/**
 * Every record that a page was told is kept reaches an agent; every one that was accepted is stored by a cloud, or a gap record names it. Gap records may name a whole range:
 * so that none hides more than it says, they must also count as many as are missing.
 */
export const nothingLost: Invariant = {
  name: "nothing-lost",
  healed(world) {
    for (const { id } of world.devices) {
      const [forgotten] = world.sim.ledger.pageOwed(id);
      if (forgotten !== undefined) return `the page of ${id} was told that its record ${forgotten} is kept, and no agent was given it`;
      const missing = world.sim.ledger.owed(id);
      const unnamed = missing.find((record) => !isNamed(world, record));
      if (unnamed !== undefined) {
        const sort = DURABLE_STREAMS.has(unnamed.stream) ? "durable record" : "record";
        return `${sort} ${unnamed.stream} ${unnamed.seq} of log ${unnamed.log} (${unnamed.identity.slice(0, 200)}) accepted at ${unnamed.atMs} is neither stored nor named by a gap record; ${missing.length} are missing`;
      }
      for (const stream of new Set(missing.map((record) => record.stream))) {
        const lost = missing.filter((record) => record.stream === stream).length;
        const told = world.sim.ledger.gaps.filter((row) => row.device === id && row.body["stream"] === stream).reduce((sum, row) => sum + Number(row.body["count"]), 0);
        if (told < lost) return `${lost} records of ${stream} of ${id} are missing, and gap records tell of ${told}`;
      }
    }
    return undefined;
  },
};

function isNamed({ sim }: SimWorld, record: Accepted): boolean {
  return sim.ledger.gaps.some(({ device, body }) => {
    const { stream, from, to } = body;
    if (device !== record.device || stream !== record.stream) return false;
    // A record of a log in memory got another number on the disk later; which, nobody outside is told. The counts tell.
    if (sim.ledger.memoryLogs.has(record.log)) return true;
    // Without numbers: what never had one. Its count is what it says.
    return typeof from !== "number" || typeof to !== "number" || (from <= record.seq && record.seq <= to);
  });
}
