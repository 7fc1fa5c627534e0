import { expect, test } from "vitest";
import { keyFromSeed, nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import type { Owner } from "../../protocol/cloud-messages.ts";
import type { DeviceMessage } from "../../protocol/device-messages.ts";
import { deviceIdOf } from "../identity/identity.ts";
import { Ownership } from "../identity/ownership.ts";
import { testOwner } from "../identity/testing/test-owner.ts";
import { drainFactory } from "../outbox/drain.ts";
import { OutboxBench } from "../outbox/testing/outbox-bench.ts";
import { DEFAULT_MIGRATION_POLICY, Migration } from "./migration.ts";
import { LinkBench } from "./testing/link-bench.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { welcomeOf, type Behaviour, type Peer } from "./testing/scripted-transport.ts";

const OLD = "wss://old.test/d";
const NEW = "wss://new.test/d";

/** A cloud that stores plays and, if told to, acknowledges them up to the first gap. */
class PlayCloud {
  readonly stored = new Map<number, number>();
  owner: Owner = { kind: "unclaimed" };
  acknowledges = true;
  readonly behaviour: Behaviour = { message: (peer, message) => this.#take(peer, message) };
  #upTo = 0;

  #take(peer: Peer, message: DeviceMessage): void {
    if (message.t === "hello") peer.send(welcomeOf(`s-${peer.number}`, { owner: this.owner, stored: { play: this.#upTo } }));
    if (message.t === "ping") peer.send({ t: "pong" });
    if (message.t !== "records" || message.stream !== "play") return;
    for (const { seq } of message.records) this.stored.set(seq, (this.stored.get(seq) ?? 0) + 1);
    this.#upTo = Math.max(this.#upTo, ...message.records.map((record) => record.seq));
    if (this.acknowledges) peer.send({ t: "stored", log: message.log, streams: { play: this.#upTo } });
  }
}

test("a move loses no record: a cloud on trial gets none, and the new one gets all that are not acknowledged", async () => {
  const outboxBench = new OutboxBench();
  const outbox = await outboxBench.start();
  const { time } = outboxBench;
  const documents = new MemoryDocumentStore();
  const owner = await testOwner("first");
  const deviceId = await deviceIdOf(nodeCrypto, keyFromSeed(new SeededRandom("key").bytes(32)).publicKey);
  const ownership = await Ownership.load({ documents, crypto: nodeCrypto, deviceId, log: silentLog });
  const migration = await Migration.load({
    documents, ownership, clock: time, timers: time, random: new SeededRandom(1), log: silentLog, policy: DEFAULT_MIGRATION_POLICY, configured: [OLD],
    alarms: { raise: () => {}, clear: () => {}, active: () => new Map() },
  });
  const [from, to] = [new PlayCloud(), new PlayCloud()];
  from.owner = owner.claimed();
  const drain = drainFactory({ backlog: outbox, clock: time, timers: time, log: silentLog });
  const bench = await LinkBench.make({ time, endpoints: migration.endpoints(), over: { documents, backlog: outbox, drain } });
  bench.handlers.accept = (who, message, endpoint) => migration.acceptOwner(who, message, endpoint);
  bench.cloud.behave = (url) => (url === NEW ? to : from).behaviour;
  migration.attach(bench.link);
  let appended = 0;
  const play = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      appended += 1;
      await time.settled(outbox.append({ stream: "play", kind: "play", source: "test", body: { item: `item-${appended}`, startedMs: 1, durationMs: 1, result: "completed" } }));
    }
  };

  await bench.start(1_000);
  await play(100);
  await time.advance(5_000);
  expect(from.stored.size).toBe(100);
  // What the old cloud stored without an acknowledgement is still in the outbox.
  from.acknowledges = false;
  await play(50);
  await time.advance(5_000);

  // The new cloud does not know the device, so it gets no record, and the old one gets all that came meanwhile.
  const refused = migration.apply([NEW]);
  await time.advance(20_000);
  await play(50);
  await time.advance(DEFAULT_MIGRATION_POLICY.trialMs);
  expect((await refused).status).toBe("failed");
  expect(to.stored.size).toBe(0);
  await time.advance(30_000);
  expect(from.stored.size).toBe(200);

  to.owner = owner.claimed();
  await time.advance(DEFAULT_MIGRATION_POLICY.retry.firstMs);
  const moved = migration.apply([NEW]);
  await time.advance(30_000);
  expect((await moved).status).toBe("applied");
  await play(100);
  await time.advance(30_000);
  expect(bench.link.status()).toMatchObject({ kind: "online", endpoint: NEW });
  const known = new Set([...from.stored.keys(), ...to.stored.keys()]);
  expect([known.size, appended]).toEqual([300, 300]);
  // The old cloud's last welcome acknowledged 150; what it stored after that also went to the new one, once.
  for (let seq = 151; seq <= 300; seq += 1) expect([seq, to.stored.get(seq)]).toEqual([seq, 1]);
  expect(outbox.ranges().play).toMatchObject({ stored: 300 });
  await bench.end();
});
