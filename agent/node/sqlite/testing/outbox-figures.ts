/** Benchmarks of the outbox on a real disk, each with the raw disk measured beside it. */
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SystemTimers, systemClock } from "../../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../../platform/linux/system-random.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { Outbox } from "../../../core/outbox/outbox.ts";
import { sqliteOutboxOpener } from "../open-outbox.ts";

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** A typical proof of play, about 150 bytes. */
const BODY = {
  item: "menu-board-7", startedMs: 1_767_225_600_000, durationMs: 15_000, result: "completed", verdict: "showing",
  data: { playlist: "lunch", slot: 3, loop: 1_234 },
} as const;

/** An outbox without rate limits in an empty folder. */
export async function openForFigures(folder: string, capBytes: number): Promise<Outbox> {
  rmSync(folder, { recursive: true, force: true });
  const openStore = sqliteOutboxOpener({
    path: join(folder, "outbox.sqlite"), quarantine: join(folder, "quarantine"), capBytes, clock: systemClock, random: systemRandom,
  });
  const limits = { rateOf: () => ({ burst: 1e12, perSecond: 1e12 }) };
  const deps = { openStore, clock: systemClock, timers: new SystemTimers(), random: systemRandom, log: silentLog, boot: "bench", quality: "synced" as const, limits };
  return Outbox.open(deps, (incident) => {
    throw new Error(`the bench's outbox has trouble: ${JSON.stringify(incident)}`);
  });
}

/** Appends durable records one by one, alternating with a raw write and fdatasync of the same bytes. Times in ms. */
export async function measureAppend(outbox: Outbox, rawPath: string, rounds: number): Promise<{ readonly append: Percentiles; readonly raw: Percentiles }> {
  const text = JSON.stringify(BODY);
  const fd = openSync(rawPath, "w");
  const raw: number[] = [];
  const append: number[] = [];
  try {
    // Alternating, so that other load on the disk affects both equally.
    for (let round = 0; round < rounds; round += 1) {
      const startMs = performance.now();
      writeSync(fd, text);
      fdatasyncSync(fd);
      const middleMs = performance.now();
      await put(outbox);
      append.push(performance.now() - middleMs);
      raw.push(middleMs - startMs);
    }
  } finally {
    closeSync(fd);
  }
  return { append: percentiles(append), raw: percentiles(raw) };
}

/** Durable records per second with `writers` that each wait for their own. */
export async function measureWriters(outbox: Outbox, writers: number, records: number): Promise<number> {
  let left = records;
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async () => {
      for (; left > 0; ) {
        left -= 1;
        await put(outbox);
      }
    }),
  );
  return (records / (performance.now() - startMs)) * 1000;
}

/** Records per second read in batches and acknowledged, without a network. `onBatch` is called for each batch. */
export async function measureDrain(outbox: Outbox, onBatch: (recordsJson: string) => void = () => undefined): Promise<{ readonly records: number; readonly perSecond: number }> {
  const startMs = performance.now();
  let records = 0;
  for (let after = 0; ; ) {
    const batch = await outbox.read("play", after, { recordsMax: 500, bytesMax: 64 * 1024 });
    if (batch === undefined) break;
    onBatch(batch.recordsJson);
    records += batch.count;
    after = batch.last;
    await outbox.stored({ play: after });
  }
  return { records, perSecond: (records / (performance.now() - startMs)) * 1000 };
}

/** Bytes this process caused to be written to block devices, from the kernel's counter. */
export function writtenBytes(): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? Number.NaN);
}

async function put(outbox: Outbox): Promise<void> {
  const done = await outbox.append({ stream: "play", kind: "play", body: BODY, source: "agent" });
  if (!done.ok) throw new Error(done.error.message);
}

function percentiles(samples: number[]): Percentiles {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
