import { canonicalJson } from "../../../platform/runtime/json.ts";
import { isFinal, type CommandRow } from "../../dev-cloud/sessions/cloud-store.ts";
import type { Invariant } from "./invariant.ts";

/** Every command gets an outcome in the end, and all records of its outcome agree. */
export const oneOutcome: Invariant = {
  name: "one-outcome",
  watch({ sim }, breach) {
    const outcomes = new Map<string, string>();
    sim.ledger.onStored.add(({ row }) => {
      if (row.stream !== "outcome" || row.kind !== "command") return;
      const key = `${row.device} ${JSON.stringify(row.body["id"])}:${JSON.stringify(row.body["attempt"])}`;
      const text = canonicalJson(row.body);
      const before = outcomes.get(key);
      if (before === undefined) outcomes.set(key, text);
      else if (before !== text) breach(`${key} ended as ${before} and as ${text}`);
    });
  },
  healed({ home, sim }) {
    // With its outcome at the other cloud, this one waits until the command's time-out: more than a day for an update.
    const isElsewhere = (row: CommandRow): boolean => ![undefined, home.name].includes(sim.ledger.outcomeAt(row.device, row));
    const open = home.store.openCommands().find((row) => !isFinal(row.state) && !isElsewhere(row));
    return open === undefined ? undefined : `${open.name} ${open.id}:${open.attempt} of ${open.device} is still ${open.state}`;
  },
};
