import type { Accepted } from "../ledger.ts";
import { DURABLE_STREAMS } from "../../../agent/protocol/records.ts";
import type { Invariant, SimWorld } from "./invariant.ts";

/**
 * Every record that a page was told is kept reaches an agent, and every accepted record is stored by a cloud or covered by a
 * gap record. A gap record may cover a range, so the counts must also match the number missing.
 */
export const nothingLost: Invariant = {
  name: "nothing-lost",
  healed(world) {
    for (const { id } of world.devices) {
      const [forgotten] = world.sim.ledger.pageOwed(id);
      if (forgotten !== undefined) return `the page of ${id} was told that its record ${forgotten} is kept, but no agent got it`;
      const missing = world.sim.ledger.owed(id);
      const unnamed = missing.find((record) => !isNamed(world, record));
      if (unnamed !== undefined) {
        const sort = DURABLE_STREAMS.has(unnamed.stream) ? "durable record" : "record";
        return `${sort} ${unnamed.stream} ${unnamed.seq} of log ${unnamed.log} (${unnamed.identity.slice(0, 200)}) accepted at ${unnamed.atMs} is neither stored nor named by a gap record; ${missing.length} are missing`;
      }
      for (const stream of new Set(missing.map((record) => record.stream))) {
        const lost = missing.filter((record) => record.stream === stream).length;
        const told = world.sim.ledger.gaps.filter((row) => row.device === id && row.body["stream"] === stream).reduce((sum, row) => sum + Number(row.body["count"]), 0);
        if (told < lost) return `${lost} records of ${stream} of ${id} are missing, but gap records count ${told}`;
      }
    }
    return undefined;
  },
};

function isNamed({ sim }: SimWorld, record: Accepted): boolean {
  return sim.ledger.gaps.some(({ device, body }) => {
    const { stream, from, to } = body;
    if (device !== record.device || stream !== record.stream) return false;
    // A record of a log in memory gets another number on disk, which is not visible from outside; the counts are checked.
    if (sim.ledger.memoryLogs.has(record.log)) return true;
    // A gap record without numbers is for records that never had one; its count is checked.
    return typeof from !== "number" || typeof to !== "number" || (from <= record.seq && record.seq <= to);
  });
}
