import type { Invariant } from "./invariant.ts";

/** What a page reports under one id is stored once, however often host and agent had to send it. */
export const storedOnce: Invariant = {
  name: "stored-once",
  watch({ sim }, breach) {
    const seen = new Map<string, string>();
    sim.ledger.onStored.add(({ row }) => {
      if (row.kind !== "play" && row.kind !== "page") return;
      const data = row.body["data"];
      const id = typeof data === "object" && data !== null && "id" in data ? String(data["id"]) : "";
      if (id === "") return;
      const place = `${row.log} ${row.stream} ${row.seq}`;
      const before = seen.get(id);
      if (before === undefined) seen.set(id, place);
      else if (before !== place) breach(`${id} of ${row.device} is stored as ${before} and as ${place}`);
    });
  },
};
