import { orderKeyOf } from "../ledger.ts";
import type { Invariant } from "./invariant.ts";

/**
 * A command has at most one effect, across redelivery, crashes, restarts and reboots. Commands that change nothing (a
 * screenshot, a log) may run again after a crash.
 */
export const oneEffect: Invariant = {
  name: "one-effect",
  watch({ sim }, breach) {
    sim.ledger.onEffect.add(({ device, key, count }) => {
      if (count === 1) return;
      const command = sim.ledger.commands.find((issued) => issued.device === device && (issued.effectKey === key || orderKeyOf(`${issued.id}:${issued.attempt}`) === key));
      if (command !== undefined && !command.runsAgain) breach(`${command.name} ${command.id}:${command.attempt} of ${device} had ${count} effects`);
    });
  },
};
