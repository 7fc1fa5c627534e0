/**
 * Only the outbox and the link of the agent: queues records without a cloud, then connects and drains.
 * `backlog.ts FOLDER ADDRESS WARM_UP COUNT`. Prints a line after each phase and waits for a line before the next:
 * warm (a small backlog queued and drained), queued, drained.
 */
import { nodeCrypto, keyFromSeed } from "../../../platform/linux/node-crypto.ts";
import { systemClock, SystemTimers } from "../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { CloudLinkRunner } from "../../../agent/core/cloud/cloud-link.ts";
import { DEFAULT_LINK_POLICY } from "../../../agent/core/cloud/link-policy.ts";
import { ServerClock } from "../../../agent/core/cloud/server-clock.ts";
import { drainFactory } from "../../../agent/core/outbox/drain.ts";
import { MemoryDocumentStore } from "../../../agent/core/storage/memory-document-store.ts";
import { deviceIdOf } from "../../../agent/core/identity/identity.ts";
import { WsTransport } from "../../../agent/node/transport/ws-transport.ts";
import { createInterface } from "node:readline";
import { openOutbox } from "../harness/bench-outbox.ts";
import { samplePlay } from "../harness/sample-records.ts";

const [folder = "", address = "", warmUp, count] = process.argv.slice(2);
/** Records offered concurrently, as many as a busy page could. */
const WRITERS = 256;
const DRAINED_LOOK_MS = 50;

const outbox = await openOutbox(folder);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const timers = new SystemTimers();
const key = keyFromSeed(systemRandom.bytes(32));
const deviceId = await deviceIdOf(nodeCrypto, key.publicKey);
let appended = 0;

async function queue(records: number): Promise<void> {
  const end = appended + records;
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      while (appended < end) {
        const done = await outbox.append(samplePlay((appended += 1)));
        if (!done.ok) throw new Error(done.error.message);
      }
    }),
  );
}

/** Connects, waits until the outbox is empty, and disconnects. */
async function drain(): Promise<void> {
  const stop = new AbortController();
  const link = new CloudLinkRunner({
    transport: new WsTransport({ timers, clockQuality: async () => "synced" }),
    clock: systemClock, timers, random: systemRandom, log: silentLog, policy: DEFAULT_LINK_POLICY,
    key, deviceId, bootId: "bench", clockQuality: async () => "synced",
    ownerFingerprint: () => undefined, claimToken: () => undefined,
    documents: new MemoryDocumentStore(), backlog: outbox, serverClock: new ServerClock(systemClock),
    drain: drainFactory({ backlog: outbox, clock: systemClock, timers, log: silentLog }),
    handlers: {
      hello: async () => ({ agent: { version: "0.0.0", platform: "bench" }, desiredVersion: 0, reportedVersion: 0, profileHash: "0".repeat(64), openCommands: [] }),
      acceptOwner: async () => ({ ok: true, value: undefined }),
      welcomed() {}, command() {}, cancel() {}, desired() {}, reportedAck() {}, fetch() {}, pairing() {},
    },
    endpoints: [address], firstConnectSpreadMs: 0,
  });
  const running = link.run(stop.signal);
  while (outbox.ranges().play.oldest <= outbox.ranges().play.newest) await new Promise((resolve) => setTimeout(resolve, DRAINED_LOOK_MS));
  stop.abort();
  await running;
}

async function phase(name: string, work: () => Promise<void>): Promise<void> {
  await input.next();
  const startMs = performance.now();
  await work();
  console.log(JSON.stringify({ phase: name, ms: performance.now() - startMs }));
}

console.log(JSON.stringify({ phase: "idle" }));
await phase("warm", async () => {
  await queue(Number(warmUp));
  await drain();
});
await phase("queued", () => queue(Number(count)));
await phase("drained", drain);
await input.next();
await outbox.close();
process.exit(0);
