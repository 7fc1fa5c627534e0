import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { Outbox } from "../../core/outbox/outbox.ts";
import type { OutboxIncident } from "../../core/outbox/outbox-deps.ts";
import { sqliteOutboxOpener } from "./open-outbox.ts";
import { mountSmallDisk } from "./testing/small-disk.ts";

const disk = mountSmallDisk(12 * 1024 * 1024);
if ("why" in disk) reportLeftOut("an outbox whose full disk has room again", disk.why);

test.skipIf("why" in disk)("a disk with room again is used within two seconds, and its alarm is cleared", async () => {
  if ("why" in disk) return;
  const time = new VirtualTime();
  const random = new SeededRandom("room");
  const incidents: OutboxIncident[] = [];
  const openStore = sqliteOutboxOpener({ path: join(disk.folder, "outbox.sqlite"), quarantine: join(disk.folder, "quarantine"), capBytes: 4 * 1024 * 1024, clock: time, random });
  const limits = { rateOf: () => ({ burst: 1e9, perSecond: 1e9 }) };
  const outbox = await Outbox.open({ openStore, clock: time, timers: time, random, log: silentLog, boot: "b", quality: "synced", limits }, (incident) => incidents.push(incident));
  const play = async (n: number): Promise<boolean> => (await outbox.append({ stream: "play", kind: "play", body: { n, text: "x".repeat(400) }, source: "page" })).ok;
  try {
    disk.fill();
    let refused = 0;
    // A play may displace older plays, but alarms are never dropped for one, so fill the outbox with alarms.
    for (let n = 0; n < 400 && refused === 0; n += 1) {
      const done = await outbox.append({ stream: "outcome", kind: "command", body: { n, text: "x".repeat(2_000) }, source: "agent" });
      if (!done.ok || !(await play(n))) refused += 1;
      await time.advance(5);
    }
    await play(0);
    await time.advance(500);
    expect(incidents.map(({ kind }) => kind)).toContain("write-failed");
    disk.empty();
    await time.advance(2_000);
    expect(await play(1)).toBe(true);
    expect(incidents.map(({ kind }) => kind)).not.toContain("write-recovered");
    await time.advance(31_000);
    expect(await play(2)).toBe(true);
    expect(incidents.map(({ kind }) => kind)).toContain("write-recovered");
  } finally {
    await outbox.close();
    disk.dispose();
  }
});
