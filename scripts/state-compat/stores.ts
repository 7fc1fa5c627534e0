/**
 * Every store of the agent and the player host as one small program: `stores write|read FOLDER TAG`. `write` adds something to each; `read`
 * prints all that is there, as JSON, with everything that a store found wrong. Bundled and kept at each release (`keep.ts`), so that later versions
 * can be tried against the stores as they were.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Outbox } from "../../agent/core/outbox/outbox.ts";
import { loadDeviceKey } from "../../agent/node/identity/device-key-file.ts";
import { openDocuments } from "../../agent/node/sqlite/open-documents.ts";
import { sqliteOutboxOpener } from "../../agent/node/sqlite/open-outbox.ts";
import { Quarantine } from "../../agent/node/sqlite/quarantine.ts";
import { openJournal } from "../../agent/node/sqlite-journal/open-journal.ts";
import { STREAMS } from "../../agent/protocol/records.ts";
import { keyFromSeed } from "../../platform/linux/node-crypto.ts";
import { systemClock, SystemTimers } from "../../platform/linux/system-clock.ts";
import { systemRandom } from "../../platform/linux/system-random.ts";
import { silentLog, type Log } from "../../platform/ports/log.ts";
import { toBase64Url } from "../../platform/runtime/encoding.ts";
import { PageSpool } from "../../player-host/host/page-spool.ts";
import { SceneStore } from "../../player-host/host/scene-store.ts";
import { FileSpoolStore } from "../../player-host/node/file-spool-store.ts";
import { FileTextStore } from "../../player-host/node/file-text-store.ts";

const [, , verb = "", folder = "", tag = ""] = process.argv;
const problems: unknown[] = [];
/** The page stores complain in their log only. */
const log: Log = { ...silentLog, warn: (fields, message) => problems.push([message, fields]), error: (fields, message) => problems.push([message, fields]) };
const clock = systemClock;
mkdirSync(folder, { recursive: true });
const quarantine = join(folder, "quarantine");

const documents = openDocuments({ path: join(folder, "state.sqlite"), quarantine, quarantineBytesMax: 1_000_000, clock });
if (documents.degraded !== undefined || documents.loss !== undefined) problems.push(["documents", documents.degraded ?? documents.loss]);
const journal = await openJournal({ path: join(folder, "journal.sqlite"), quarantine: new Quarantine(quarantine, 1_000_000), wallMs: clock.wallMs(), boot: `boot-${tag}` });
if (journal.kind !== "open") throw new Error(`the journal is ${journal.kind}`);
if (journal.damage !== undefined) problems.push(["journal", journal.damage]);
const outbox = await Outbox.open(
  { openStore: sqliteOutboxOpener({ path: join(folder, "outbox.sqlite"), quarantine, capBytes: 8 * 1024 * 1024, clock, random: systemRandom, boot: `boot-${tag}` }), clock, timers: new SystemTimers(), random: systemRandom, log, boot: `boot-${tag}`, quality: "synced" },
  (incident) => problems.push(["outbox", incident]),
);
const key = loadDeviceKey({ folder: join(folder, "identity"), random: systemRandom, wallMs: () => clock.wallMs(), keyFromSeed });
problems.push(...key.findings);
const spool = new PageSpool(new FileSpoolStore(join(folder, "spool.jsonl")), log);
const { dropped } = await spool.open();
if (dropped > 0) problems.push(["spool", dropped]);
const scene = new SceneStore(new FileTextStore(join(folder, "scene.json")), log);

if (verb === "write") await write();
else await read();
await outbox.close();
process.exit(0);

async function write(): Promise<void> {
  await must(documents.store.put({ [`test.${tag}`]: { by: tag, text: "größer" } }));
  const number = Number(tag);
  const entry = {
    id: `c${tag}`, attempt: 1, owner: "f".repeat(32), number, name: "gpio.read", paramsHash: "ab".repeat(32), params: { line: "GPIO17" },
    received: { wallMs: 1_000, boot: `boot-${tag}`, upMs: 5, serverMs: 2_000 }, notAfterMs: 9_000, ttlMs: 60_000, restarts: 1,
  };
  if (journal.kind !== "open") throw new Error("the journal is closed");
  await must(journal.store.put({ ...entry, state: { kind: "running", started: entry.received, note: { job: "j", count: 1 } } }));
  await must(journal.store.put({ ...entry, id: `d${tag}`, number: number + 1, state: { kind: "final", outcome: { id: `d${tag}`, attempt: 1, name: "gpio.read", state: "succeeded", result: { level: 1 } }, finishedWallMs: 3_000, handedOver: { log: outbox.log, seq: 1 } } }));
  for (const stream of STREAMS) await must(outbox.append({ stream, kind: stream, body: { by: tag }, source: "test", dedupeKey: `${stream}-${tag}`, onceOnDisk: true }));
  await must(spool.append({ t: "page-play", id: `p-${tag}`, play: { item: `item-${tag}`, startedMs: 1, durationMs: 2, result: "completed" } }));
  await must(spool.append({ t: "page-event", id: `e-${tag}`, name: `event-${tag}`, data: { by: tag } }));
  await scene.save({ scene: { kind: "content", content: { kind: "url", id: tag, url: `https://content.example/${tag}`, grants: ["gpio"] } }, wayOut: { proxy: "http://10.0.0.1:8080" } });
}

async function read(): Promise<void> {
  if (journal.kind !== "open") throw new Error("the journal is closed");
  const tags = ["1000", "2000", "3000"];
  const records = await Promise.all(STREAMS.map(async (stream) => {
    const texts: string[] = [];
    for (let after = 0; ; ) {
      const batch = await outbox.read(stream, after, { recordsMax: 100, bytesMax: 100_000 });
      if (batch === undefined) return [stream, texts] as const;
      const found = JSON.parse(batch.recordsJson) as { seq: number; kind: string; body: unknown }[];
      texts.push(...found.map(({ seq, kind, body }) => `${batch.boot} ${seq} ${kind} ${JSON.stringify(body)}`));
      after = batch.last;
    }
  }));
  const kept = await Promise.all(tags.map((each) => documents.store.get(`test.${each}`)));
  const answer = {
    problems,
    identity: toBase64Url(key.key.publicKey),
    documents: kept.map((each) => (each.ok ? (each.value ?? null) : each.error)),
    journal: await must(journal.store.recent(100)),
    outbox: Object.fromEntries(records),
    spool: spool.waiting(),
    scene: await scene.load(),
  };
  console.log(JSON.stringify(answer));
}

async function must<T>(work: Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: { readonly message: string } }>): Promise<T> {
  const result = await work;
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}
