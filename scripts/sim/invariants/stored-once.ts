import { isJsonObject } from "../../../platform/runtime/json.ts";
import type { Invariant } from "./invariant.ts";

/** Stands for all logs on a disk: later logs there know what earlier ones have stored. */
const ON_DISK = "disk";

/**
 * A page record is stored once, however often host and agent send it: once from the disk, under any of its logs, and once
 * from each log in memory. A log in memory does not know which records the disk or another process's memory has sent, so
 * each of them may send it again.
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
