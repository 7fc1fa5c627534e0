import { expect, test } from "vitest";
import type { Result } from "../../../platform/ports/result.ts";
import { MemoryDisk } from "./memory-outbox-store.ts";
import { OUTBOX_LIMITS } from "./outbox-limits.ts";
import { OutboxBench } from "./testing/outbox-bench.ts";

type Answer = Result<{ readonly seq: number }>;

/** An event whose sender deletes it once it is answered. */
function offer(bench: OutboxBench, n: number): { answer: Answer | undefined } {
  const offered: { answer: Answer | undefined } = { answer: undefined };
  void bench.outbox.append({ stream: "event", kind: "page", source: "page", dedupeKey: `k${n}`, onceOnDisk: true, body: { n } }).then((answer) => {
    offered.answer = answer;
  });
  return offered;
}

test("an event with onceOnDisk is answered after its group is written, without an earlier write", async () => {
  const bench = new OutboxBench();
  await bench.start();
  const offered = offer(bench, 1);
  await bench.time.advance(OUTBOX_LIMITS.flushDelayMs - 1);
  expect(offered.answer).toBeUndefined();
  await bench.time.advance(1);
  expect(offered.answer).toEqual({ ok: true, value: { seq: 1 } });
});

test("an event lost to a power cut was not answered; sent again, it is stored once", async () => {
  const bench = new OutboxBench();
  await bench.start();
  const offered = offer(bench, 1);
  await bench.time.advance(OUTBOX_LIMITS.flushDelayMs / 2);
  bench.crash();
  await bench.start("boot-2");
  expect(offered.answer).toBeUndefined();
  const again = offer(bench, 1);
  await bench.time.advance(OUTBOX_LIMITS.flushDelayMs);
  expect(again.answer).toMatchObject({ ok: true });
  expect((await bench.records("event")).map(({ body }) => body)).toEqual([{ n: 1 }]);
});

test("the answer waits until the disk accepts writes again; a repetition in the meantime is the same record", async () => {
  let refuse = true;
  const disk = new MemoryDisk("a".repeat(24), 1e7, { refuse: () => (refuse ? { code: "storage.io", message: "as told" } : undefined) });
  const bench = new OutboxBench({ openStore: async () => disk.open() });
  await bench.start();
  const first = offer(bench, 1);
  await bench.time.advance(20_000);
  const second = offer(bench, 1);
  expect(first.answer).toBeUndefined();
  refuse = false;
  await bench.time.advance(60_000);
  expect(first.answer).toEqual({ ok: true, value: { seq: 1 } });
  expect(second.answer).toEqual(first.answer);
  expect(await bench.records("event")).toHaveLength(1);
});
