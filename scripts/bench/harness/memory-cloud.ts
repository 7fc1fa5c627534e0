import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import type { Clock, Timers } from "../../../platform/ports/clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { Cloud } from "../../dev-cloud/sessions/cloud.ts";
import { MemoryStore } from "../../dev-cloud/store/memory-store.ts";
import { MemorySigner } from "../../dev-cloud/testing/cloud-bench.ts";

const KEPT = 1_000;
/** The development cloud's defaults. */
const LIMITS = { windowRecords: 5_000, batchRecordsMax: 500, pingIntervalMs: 25_000 };

/** The development cloud's sessions on a store in memory. Claims every device and signs commands. `host`: `127.0.0.1:PORT`. */
export async function memoryCloud(clock: Clock, timers: Timers, host: string): Promise<Cloud> {
  const cloud = new Cloud({
    clock, timers, random: systemRandom, crypto: nodeCrypto, store: new MemoryStore(), signer: await MemorySigner.create(1), log: silentLog,
    uploadsFreeBytes: () => 0,
    settings: {
      audiences: [`ws://${host}`], httpBase: `http://${host}`, autoClaim: true, claimTokens: new Set(), defaultDesired: () => undefined, limits: LIMITS,
      caps: { records: { outcome: KEPT, alarm: KEPT, play: KEPT, event: KEPT, metric: KEPT }, hidden: KEPT, commands: KEPT },
    },
  });
  cloud.start();
  return cloud;
}
