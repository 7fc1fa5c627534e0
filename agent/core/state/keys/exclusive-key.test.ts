import { expect, test } from "vitest";
import { silentLog } from "../../../../platform/ports/log.ts";
import { seen } from "../../../../platform/ports/reading.ts";
import { ok } from "../../../../platform/ports/result.ts";
import type { Json } from "../../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { WayToCloud } from "../../cloud/way-to-cloud.ts";
import { MemoryDocumentStore } from "../../storage/memory-document-store.ts";
import type { DesiredKeyHandler } from "../desired-key.ts";
import { DesiredState } from "../desired-state.ts";
import { ManualOverrides } from "../manual-overrides.ts";
import { FakeAlarms, FakeReporter } from "../testing/fakes.ts";
import { exclusiveKey } from "./exclusive-key.ts";

const DEVICE = "0123456789abcdef0123456789abcdef";

test("a key that loses the lock between its check and its attempt is pending, and is applied as soon as the lock is free", async () => {
  const time = new VirtualTime();
  const way = new WayToCloud(silentLog);
  const reporter = new FakeReporter();
  const alarms = new FakeAlarms();
  const store = new MemoryDocumentStore();
  const lock: { release?: (() => void) | undefined } = {};
  let value: Json = "old";
  let attempts = 0;
  const handler: DesiredKeyHandler = {
    key: "network",
    lane: "network",
    wanted: ({ network }) => (network === undefined ? undefined : { kind: "value", value: "new" }),
    observe: () => {
      // The other key's lane takes the lock while this one is being read.
      lock.release ??= way.take("cloud.endpoints");
      return Promise.resolve(seen(value, time.monotonicMs()));
    },
    apply: (wanted) => {
      attempts += 1;
      value = wanted;
      return Promise.resolve({ kind: "effect", effect: { attempted: true, acknowledged: true, observed: seen(value, time.monotonicMs()) } });
    },
    compare: (wanted, observed) => (wanted === observed ? "same" : "different"),
  };
  const state = await DesiredState.load({
    deviceId: DEVICE, verify: (signed) => Promise.resolve(ok(signed.payload)), store,
    overrides: await ManualOverrides.load({ store, clock: time, log: silentLog }), reporter, alarms,
    handlers: [exclusiveKey(handler, way)], clock: time, timers: time, random: new SeededRandom("exclusive"), log: silentLog,
  });
  way.onFree(() => state.poke("network"));
  const stop = new AbortController();
  const running = state.run(stop.signal);
  const payload = JSON.stringify({ device: DEVICE, version: 1, issuedMs: 0, document: { network: { proxy: null } } });
  expect((await state.accept({ payload, key: DEVICE, signature: "" })).ok).toBe(true);
  const results = () => reporter.history.map(({ value: report }) => (report as { keys: Record<string, { status: string; error?: { code: string } }> }).keys["network"]);
  await time.advance(1_000);
  expect([results().at(-1)?.status, results().at(-1)?.error?.code, attempts]).toEqual(["pending", "cloud.way-busy", 0]);
  lock.release?.();
  await time.advance(1_000);
  expect([results().at(-1)?.status, attempts]).toEqual(["applied", 1]);
  expect(results().filter((result) => result?.status === "failed")).toEqual([]);
  stop.abort();
  await time.settled(running);
});
