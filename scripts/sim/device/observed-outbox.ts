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

/** After disk trouble, records of the weaker streams may stay in memory for longer than one second. */
const AFTER_TROUBLE_MS = 120_000;
/** Limit for "on disk within a second": flush delay, one sync, and rounding. */
const WEAK_STREAM_MS = 1_000;

/**
 * An observed outbox: a record is promised from the moment it is accepted. When the process dies, only records without a
 * promise to survive it are excused.
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
    // A process that died meanwhile never got the answer.
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
    // On disk, under some number of some log: the record or a gap record for it must arrive.
    if (disk.reached(record.identity)) continue;
    // Accepted in memory and reported as such while the disk failed, and the disk has not recovered: lost with the process.
    if (ledger.memoryLogs.has(record.log) && (troubled || (degraded !== undefined && record.log === outbox.log))) ledger.excused.add(record.identity);
    if (DURABLE_STREAMS.has(record.stream)) continue;
    // Accepted in the last second before the disk's trouble or later: the record, or the gap for it, was still in memory.
    if (troubled && record.atMs >= disk.troubleSinceMs - WEAK_STREAM_MS && !disk.holds(record.log, record.stream, record.seq)) ledger.excused.add(record.identity);
    if (record.log !== outbox.log || record.seq <= ranges[record.stream].newest) continue;
    if (nowMs - record.atMs > WEAK_STREAM_MS && !troubled) {
      // Accepted during disk trouble: dropped for lack of room, with a gap record.
      if (record.atMs < disk.lastTroubleMs + AFTER_TROUBLE_MS) continue;
      sim.breach("on-disk-within-a-second", `${record.stream} ${record.seq} of ${device} was accepted ${nowMs - record.atMs} ms ago and was not on disk when the process died`);
    }
    ledger.excused.add(record.identity);
  }
}
