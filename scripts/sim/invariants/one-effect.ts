import type { Invariant } from "./invariant.ts";

/**
 * A command has at most one effect on the hardware. One that may run again after a crash may have one more for every
 * start of the agent.
 */
export const oneEffect: Invariant = {
  name: "one-effect",
  watch({ sim, devices }, breach) {
    sim.ledger.onEffect.add(({ device, key, count }) => {
      if (count === 1) return;
      const command = sim.ledger.commands.find((issued) => issued.device === device && issued.effectKey === key);
      if (command === undefined) return;
      const starts = devices.find(({ id }) => id === device)?.lives ?? 0;
      if (!command.idempotent || count > starts) breach(`${command.name} ${command.id}:${command.attempt} of ${device} had ${count} effects`);
    });
  },
};
