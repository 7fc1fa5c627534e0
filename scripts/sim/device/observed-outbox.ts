import type { NewRecord } from "../../../agent/core/outbox/event-sink.ts";
import type { Outbox } from "../../../agent/core/outbox/outbox.ts";
import { DURABLE_STREAMS } from "../../../agent/protocol/records.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import { isJsonObject } from "../../../platform/runtime/json.ts";
import { identityOf } from "../ledger.ts";
import type { SimContext } from "../simulation-context.ts";
import type { Life } from "./life.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

interface Machine {
  readonly device: string;
  readonly boot: string;
  readonly clock: Clock;
  readonly disk: SimulatedDisk;
}

/** After trouble with the disk, the weaker streams may wait longer in memory than their second. */
const AFTER_TROUBLE_MS = 120_000;
/** "On disk within a second": flush delay, one sync, and a rounding. */
const WEAK_STREAM_MS = 1_000;

/**
 * The outbox, watched from outside: what it accepts is a promise from that moment on. At the death of the process
 * only what was never promised to survive it is taken back.
 */
export function observedOutbox(sim: SimContext, life: Life, machine: Machine, outbox: Outbox): Outbox {
  const { ledger, time } = sim;
  const { device, boot, clock } = machine;
  const append = outbox.append.bind(outbox);
  outbox.append = async (record: NewRecord) => {
    const monoMs = Math.floor(clock.monotonicMs());
    const identity = identityOf(device, { boot, stream: record.stream, kind: record.kind, monoMs, body: record.body });
    const dedupeKey = record.dedupeKey === undefined ? undefined : `${device} ${record.source} ${record.dedupeKey}`;
    if (dedupeKey !== undefined) ledger.offered(dedupeKey, identity);
    const result = await life.call(`outbox.append ${record.stream} ${record.dedupeKey ?? ""}`, () => append(record));
    if (sim.sabotage === "second-outcome" && record.stream === "outcome") await append({ ...record, body: { ...record.body, state: "timed-out" }, dedupeKey: `${record.dedupeKey ?? ""}:2` });
    // Whoever died between the answer and this moment never heard it.
    if (result.ok && life.alive) {
      const page = record.source === "page" ? record.body["data"] : undefined;
      if (page !== undefined && isJsonObject(page) && typeof page["id"] === "string") ledger.pageTaken(device, page["id"]);
      ledger.accept({
        device, stream: record.stream, kind: record.kind, log: outbox.log, seq: result.value.seq, identity, atMs: time.monotonicMs(), ...(dedupeKey !== undefined && { dedupeKey }),
      });
    }
    return result;
  };
  life.atDeath(() => excuse(sim, machine, outbox));
  return outbox;
}

function excuse(sim: SimContext, { device, disk }: Machine, outbox: Outbox): void {
  const { ledger, time } = sim;
  const { degraded, ranges } = outbox.status();
  const nowMs = time.monotonicMs();
  const troubled = nowMs - disk.lastTroubleMs < AFTER_TROUBLE_MS || degraded !== undefined;
  for (const record of ledger.owed(device)) {
    // On disk, under whatever number of whatever log: it has to come from there, or a gap record for it.
    if (disk.reached(record.identity)) continue;
    // Accepted in memory, because the disk took nothing, and the disk is not well yet: said so, and lost with the process.
    if (ledger.memoryLogs.has(record.log) && (troubled || (degraded !== undefined && record.log === outbox.log))) ledger.excused.add(record.identity);
    if (DURABLE_STREAMS.has(record.stream)) continue;
    // Accepted for the disk in the last second of its health or later: its place, or the note of its loss, was in memory when that ended.
    if (troubled && record.atMs >= disk.troubleSinceMs - WEAK_STREAM_MS && !disk.holds(record.log, record.stream, record.seq)) ledger.excused.add(record.identity);
    if (record.log !== outbox.log || record.seq <= ranges[record.stream].newest) continue;
    if (nowMs - record.atMs > WEAK_STREAM_MS && !troubled) {
      // Accepted while the disk was in trouble: given up for lack of room, and told by a gap record.
      if (record.atMs < disk.lastTroubleMs + AFTER_TROUBLE_MS) continue;
      sim.breach("on-disk-within-a-second", `${record.stream} ${record.seq} of ${device} was accepted ${nowMs - record.atMs} ms ago and was not on disk when the process died`);
    }
    ledger.excused.add(record.identity);
  }
}
