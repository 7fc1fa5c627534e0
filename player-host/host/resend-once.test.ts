import { expect, test } from "vitest";
import { RECENT_KEYS_MAX } from "../../agent/core/outbox/outbox-store.ts";
import { OutboxBench } from "../../agent/core/outbox/testing/outbox-bench.ts";
import { silentLog } from "../../platform/ports/log.ts";
import type { JsonObject } from "../../platform/runtime/json.ts";
import { TWICE_MAX } from "./page-desk.ts";
import { PageSpool } from "./page-spool.ts";
import { OneProgram } from "./testing/one-program.ts";

const SPOOLED = 1_300;

test("the agent remembers more keys than a host may send twice", () => {
  expect(RECENT_KEYS_MAX).toBeGreaterThan(TWICE_MAX);
});

test.each([100, 1_100, 1_250])("plays are stored once if the host is killed after the agent has stored %i of many spooled ones", async (storedBefore) => {
  const bench = new OutboxBench();
  await bench.start();
  const machine = new OneProgram(async (record) => {
    // Past this number the agent hangs until it is replaced.
    if (machine.stored.length > storedBefore && hangs) await new Promise(() => undefined);
    await bench.outbox.append({ stream: "play", kind: "play", source: "page", dedupeKey: `page:${record.id}`, body: record.t === "page-play" ? (record.play as JsonObject) : {} });
  });
  let hangs = true;
  const earlier = new PageSpool(machine.spool.open(), silentLog);
  await earlier.open();
  await Promise.all(Array.from({ length: SPOOLED }, (_none, n) => earlier.append({ t: "page-play", id: `earlier-${n}`, play: { item: `item ${n}` } })));
  await earlier.close();

  await machine.startHost();
  await machine.startAgent();
  await machine.time.advance(60_000);
  expect(await bench.records("play")).toHaveLength(storedBefore);
  // What a killed host leaves: not what it writes when it is stopped.
  const { text, mark } = machine.spool;
  await machine.stopHost();
  Object.assign(machine.spool, { text, mark });
  await machine.stopAgent();

  hangs = false;
  await machine.startHost();
  await machine.startAgent();
  await machine.time.advance(60_000);
  const items = (await bench.records("play")).map(({ body }) => body["item"]);
  expect(items.length - new Set(items).size).toBe(0);
  expect(items).toEqual(Array.from({ length: SPOOLED }, (_none, n) => `item ${n}`));
  expect(machine.spool.text).toBeUndefined();
  await machine.stopHost();
});
