import { join } from "node:path";
import { Outbox } from "../../../agent/core/outbox/outbox.ts";
import { sqliteOutboxOpener } from "../../../agent/node/sqlite/open-outbox.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { silentLog } from "../../../platform/ports/log.ts";

const CAP_BYTES = 4 * 1024 ** 3;

/** The agent's outbox as on a device, in `folder`, but with room for any backlog and without rate limits. */
export function openOutbox(folder: string): Promise<Outbox> {
  return Outbox.open(
    {
      openStore: sqliteOutboxOpener({ path: join(folder, "outbox.sqlite"), quarantine: join(folder, "quarantine"), capBytes: CAP_BYTES, clock: systemClock, random: systemRandom }),
      clock: systemClock, timers: new SystemTimers(), random: systemRandom, log: silentLog, boot: "bench", quality: "synced",
      limits: { rateOf: () => ({ burst: 1e12, perSecond: 1e12 }) },
    },
    ({ kind }) => {
      throw new Error(`the outbox reports ${kind}`);
    },
  );
}
