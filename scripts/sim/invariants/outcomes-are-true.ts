import { isJsonObject } from "../../../platform/runtime/json.ts";
import type { RecordRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { orderKeyOf, type Ledger } from "../ledger.ts";
import type { Invariant } from "./invariant.ts";

/** Final state of a command that was never attempted. */
const UNTRIED = "expired";

/** Succeeded means that there was an effect; expired means that there was none. */
export const outcomesAreTrue: Invariant = {
  name: "outcomes-are-true",
  watch({ sim }, breach) {
    sim.ledger.onStored.add(({ row }) => {
      if (row.stream !== "outcome" || row.kind !== "command") return;
      const { id, attempt, state } = row.body;
      const command = sim.ledger.commands.find((issued) => issued.device === row.device && issued.id === id && issued.attempt === attempt);
      if (command === undefined) return;
      const orders = sim.ledger.effectCount(row.device, orderKeyOf(`${command.id}:${command.attempt}`));
      if (state === UNTRIED && orders > 0) breach(`${command.name} ${command.id}:${command.attempt} of ${row.device} is ${state} and had ${orders} effects`);
      if (command.effectKey === undefined) return;
      const effects = sim.ledger.effectCount(row.device, command.effectKey);
      const said = `${command.name} ${command.id}:${command.attempt} of ${row.device} is ${JSON.stringify(state)}`;
      if (state === "succeeded" && effects === 0 && !bootedAnyway(sim.ledger, row)) breach(`${said} without an effect`);
      if (state === UNTRIED && effects > 0) breach(`${said} and had ${effects} effects`);
    });
  },
};

/** A power cut just before a requested reboot counts as that reboot: the new boot is the proof, whatever its cause. */
function bootedAnyway({ boots }: Ledger, { device, body }: RecordRow): boolean {
  const result = body["result"];
  if (result === undefined || !isJsonObject(result)) return false;
  const { bootIdBefore, bootIdAfter } = result;
  if (typeof bootIdBefore !== "string" || typeof bootIdAfter !== "string" || bootIdBefore === bootIdAfter) return false;
  return boots.has(`${device} ${bootIdBefore}`) && boots.has(`${device} ${bootIdAfter}`);
}
