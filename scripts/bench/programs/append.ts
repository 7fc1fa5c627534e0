/**
 * Durable appends to the agent's outbox and raw ones, alternating. `append.ts FOLDER PAIRS WRITER_RUNS RUN_MS`
 * Prints `{ rawMs: […], oursMs: […], syncedRates: […], writerRates: […], recordBytes }`.
 */
import { join } from "node:path";
import { playBody, samplePlay } from "../harness/sample-records.ts";
import { openOutbox } from "../harness/bench-outbox.ts";
import { RawLog } from "../harness/raw-log.ts";

const [folder = "", pairs, writerRuns, runMs] = process.argv.slice(2);
const WARM_UP = 50;
const WRITERS = 64;

const outbox = await openOutbox(folder);
const raw = new RawLog(join(folder, "raw.log"));
const bytes = Buffer.from(`${JSON.stringify(playBody(1))}\n`);
let appended = 0;

async function appendOne(): Promise<void> {
  const done = await outbox.append(samplePlay((appended += 1)));
  if (!done.ok) throw new Error(`${done.error.code}: ${done.error.message}`);
}

const rawMs: number[] = [];
const oursMs: number[] = [];
for (let at = -WARM_UP; at < Number(pairs); at += 1) {
  const startMs = performance.now();
  raw.append(bytes);
  const middleMs = performance.now();
  await appendOne();
  const endMs = performance.now();
  if (at < 0) continue;
  rawMs.push(middleMs - startMs);
  oursMs.push(endMs - middleMs);
}

/** 64 concurrent writers, each waiting for its record before the next. Records per second. */
async function writers(): Promise<number> {
  const startMs = performance.now();
  const before = appended;
  const write = async (): Promise<void> => {
    while (performance.now() - startMs < Number(runMs)) await appendOne();
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return ((appended - before) * 1000) / (performance.now() - startMs);
}

/** Reference: 64 records in one write and one fdatasync, for as long. Records per second. */
function rawGroups(): number {
  const group = Buffer.concat(Array.from({ length: WRITERS }, () => bytes));
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < Number(runMs); count += WRITERS) raw.append(group);
  return (count * 1000) / (performance.now() - startMs);
}

const syncedRates: number[] = [];
const writerRates: number[] = [];
for (let at = 0; at < Number(writerRuns); at += 1) {
  syncedRates.push(rawGroups());
  writerRates.push(await writers());
}
await outbox.close();
raw.close();
console.log(JSON.stringify({ rawMs, oursMs, syncedRates, writerRates, recordBytes: bytes.length }));
