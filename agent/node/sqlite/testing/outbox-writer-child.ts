/**
 * Writes to an outbox as fast as possible until killed, and reports each confirmation on standard output.
 * `kill-campaign.ts` keeps the ledger and compares the file with it.
 *
 * Lines: `R` ready · `A <stream> <seq> <id>` accepted · `S <stream> <seq>` the cloud is about to acknowledge up to here ·
 * `F <code>` refused. Arguments: folder, cap in bytes, run number, seed, writers.
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { SystemTimers, systemClock } from "../../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../../platform/linux/system-random.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { Outbox } from "../../../core/outbox/outbox.ts";
import { DURABLE_STREAMS, STREAMS } from "../../../protocol/records.ts";
import { sqliteOutboxOpener } from "../open-outbox.ts";

const [folder = "", capBytes = "", run = "", seed = "", writers = "4"] = process.argv.slice(2);
const random = new SeededRandom(`${seed}/${run}`);

/** Synchronous: the line must be out before the next step, whenever the kill comes. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const openStore = sqliteOutboxOpener({
  path: join(folder, "outbox.sqlite"), quarantine: join(folder, "quarantine"), capBytes: Number(capBytes), clock: systemClock, random: systemRandom,
});
const outbox = await Outbox.open(
  {
    openStore, clock: systemClock, timers: new SystemTimers(), random: systemRandom, log: silentLog, boot: `boot-${run}`, quality: "local",
    limits: { rateOf: () => ({ burst: 1e12, perSecond: 1e12 }), flushDelayMs: 20, ackDelayMs: 20 },
  },
  (incident) => say(`I ${JSON.stringify(incident)}`),
);
say("R");

/** One writer of durable and other records. */
async function write(writer: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const stream = STREAMS[random.integer(0, STREAMS.length - 1)] ?? "play";
    const id = `${run}.${writer}.${n}`;
    const text = "x".repeat(random.chance(0.1) ? random.integer(0, 6_000) : random.integer(0, 300));
    const done = await outbox.append({ stream, kind: "page", body: { id, text }, source: "agent" });
    if (!done.ok) say(`F ${done.error.code}`);
    else if (DURABLE_STREAMS.has(stream)) say(`A ${stream} ${done.value.seq} ${id}`);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A cloud that stores what it reads and acknowledges now and then. */
async function drain(): Promise<void> {
  for (;;) {
    const stream = STREAMS[random.integer(0, STREAMS.length - 1)] ?? "play";
    const batch = await outbox.read(stream, 0, { recordsMax: random.integer(1, 40), bytesMax: 65_536 });
    if (batch !== undefined) {
      say(`S ${stream} ${batch.last}`);
      await outbox.stored({ [stream]: batch.last });
    }
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, 4)));
  }
}

await Promise.all([...Array.from({ length: Number(writers) }, (_, writer) => write(writer)), drain()]);
