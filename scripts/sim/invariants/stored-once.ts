import { isJsonObject } from "../../../platform/runtime/json.ts";
import type { Invariant } from "./invariant.ts";

/**
 * What a page reports under one id is stored once, however often host and agent had to send it. Except what went out
 * from an outbox in memory, while the disk took nothing: there it may come again from the disk's log afterwards.
 */
export const storedOnce: Invariant = {
  name: "stored-once",
  watch({ sim }, breach) {
    const seen = new Map<string, string>();
    sim.ledger.onStored.add(({ row }) => {
      if ((row.kind !== "play" && row.kind !== "page") || sim.ledger.memoryLogs.has(row.log)) return;
      const data = row.body["data"];
      const id = data !== undefined && isJsonObject(data) ? data["id"] : undefined;
      if (typeof id !== "string") return;
      const place = `${row.log} ${row.stream} ${row.seq}`;
      const before = seen.get(id);
      if (before === undefined) seen.set(id, place);
      else if (before !== place) breach(`${id} of ${row.device} is stored as ${before} and as ${place}`);
    });
  },
};
