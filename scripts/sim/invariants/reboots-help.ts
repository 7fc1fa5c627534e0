import { MACHINE_MARK } from "../ledger.ts";
import { isCommandsReason } from "../workload.ts";
import type { Invariant } from "./invariant.ts";

/** Time after which the agent knows that the picture is back. */
const KNOWN_AFTER_MS = 120_000;
const LOOK_EVERY_MS = 15_000;

/** The agent never reboots a machine by itself whose player host runs and whose page draws. */
export const rebootsHelp: Invariant = {
  name: "reboots-help",
  watch({ sim, devices }, breach) {
    const goodSinceMs = new Map<string, number>();
    const look = (): void => {
      sim.time.after("sim.pictures", LOOK_EVERY_MS, look);
      for (const { id, player } of devices) {
        const isGood = player.presentSinceMs !== undefined && player.page?.isRight !== false;
        if (!isGood) goodSinceMs.delete(id);
        else if (!goodSinceMs.has(id)) goodSinceMs.set(id, sim.time.monotonicMs());
      }
    };
    look();
    sim.ledger.onEffect.add(({ device: id, key }) => {
      const reason = key.startsWith(MACHINE_MARK) ? key.slice(MACHINE_MARK.length) : undefined;
      const player = devices.find((device) => device.id === id)?.player;
      if (reason === undefined || isCommandsReason(reason) || player === undefined) return;
      sim.ledger.ownReboots += 1;
      const sinceMs = goodSinceMs.get(id);
      const goodMs = sinceMs === undefined ? 0 : sim.time.monotonicMs() - sinceMs;
      if (goodMs > KNOWN_AFTER_MS) breach(`${id} was rebooted by its agent (${reason}), and its picture has been good for ${Math.round(goodMs / 1_000)} s`);
    });
  },
};
