import { isJsonObject } from "../../../platform/runtime/json.ts";
import type { Invariant } from "./invariant.ts";

/** Every log on a disk: whatever is stored from one of them is known in all that follow it there. */
const ON_DISK = "disk";

/**
 * What a page reports under one id is stored once, however often host and agent had to send it: once from the disk, under
 * whatever log its rows are known there, and once from each log in memory. A log in memory knows nothing of what the disk
 * or another process's memory sent and was not heard of any more, so between them it may come again.
 */
export const storedOnce: Invariant = {
  name: "stored-once",
  watch({ sim }, breach) {
    const seen = new Map<string, string>();
    sim.ledger.onStored.add(({ row }) => {
      if (row.kind !== "play" && row.kind !== "page") return;
      const data = row.body["data"];
      const id = data !== undefined && isJsonObject(data) ? data["id"] : undefined;
      if (typeof id !== "string") return;
      const once = `${sim.ledger.memoryLogs.has(row.log) ? row.log : ON_DISK} ${id}`;
      const place = `${row.log} ${row.stream} ${row.seq}`;
      const before = seen.get(once);
      if (before === undefined) seen.set(once, place);
      else if (before !== place) breach(`${id} of ${row.device} is stored as ${before} and as ${place}`);
    });
  },
};
