import type { Invariant } from "./invariant.ts";

/** The state of a command that says: it was never tried. */
const UNTRIED = "expired";

/** Succeeded means that there was an effect; expired means that there was none. */
export const outcomesAreTrue: Invariant = {
  name: "outcomes-are-true",
  watch({ sim }, breach) {
    sim.ledger.onStored.add(({ row }) => {
      if (row.stream !== "outcome" || row.kind !== "command") return;
      const { id, attempt, state } = row.body;
      const command = sim.ledger.commands.find((issued) => issued.device === row.device && issued.id === id && issued.attempt === attempt);
      if (command?.effectKey === undefined) return;
      const effects = sim.ledger.effectCount(row.device, command.effectKey);
      const said = `${command.name} ${command.id}:${command.attempt} of ${row.device} is ${JSON.stringify(state)}`;
      if (state === "succeeded" && effects === 0) breach(`${said} without an effect`);
      if (state === UNTRIED && effects > 0) breach(`${said} and had ${effects} effects`);
    });
  },
};
