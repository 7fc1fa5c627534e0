import type { Invariant } from "./invariant.ts";

/** States of a command that say: it was never tried. */
const UNTRIED: ReadonlySet<string> = new Set(["expired"]);

/** Succeeded means that there was an effect; expired means that there was none. */
export const outcomesAreTrue: Invariant = {
  name: "outcomes-are-true",
  watch({ sim }, breach) {
    sim.ledger.onStored.add(({ row }) => {
      if (row.stream !== "outcome" || row.kind !== "command") return;
      const { id, attempt, state, name } = row.body;
      const command = sim.ledger.commands.find((issued) => issued.device === row.device && issued.id === id && issued.attempt === attempt);
      if (command?.effectKey === undefined) return;
      const effects = sim.ledger.effectCount(row.device, command.effectKey);
      if (state === "succeeded" && effects === 0) breach(`${JSON.stringify(name)} ${JSON.stringify(id)} of ${row.device} succeeded without an effect`);
      if (typeof state === "string" && UNTRIED.has(state) && effects > 0) breach(`${JSON.stringify(name)} ${JSON.stringify(id)} of ${row.device} is ${state} and had ${effects} effects`);
    });
  },
};
