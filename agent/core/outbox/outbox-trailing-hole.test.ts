/** Sequence numbers at the end of a stream whose records were lost or rejected: never waited for, never used again. */
import { beforeEach, expect, test } from "vitest";
import type { Outbox } from "./outbox.ts";
import { OutboxBench, readAll } from "./testing/outbox-bench.ts";

let bench: OutboxBench;
let outbox: Outbox;

const put = (n: number) => outbox.append({ stream: "play", kind: "play", body: { n }, source: "agent" });

beforeEach(async () => {
  bench = new OutboxBench();
  outbox = await bench.start();
  for (let n = 1; n <= 4; n += 1) await put(n);
});

test("rejecting the last record before the earlier ones are acknowledged leaves an empty stream", async () => {
  expect(await readAll(outbox, "play")).toHaveLength(4);
  await outbox.rejected("play", 4, "record.invalid", "as told");
  expect(await readAll(outbox, "play")).toHaveLength(3);
  await outbox.stored({ play: 3 });
  expect(outbox.ranges().play).toEqual({ stored: 3, oldest: 5, newest: 4 });
  expect(await put(5)).toMatchObject({ ok: true, value: { seq: 5 } });
  expect(outbox.ranges().play).toEqual({ stored: 3, oldest: 5, newest: 5 });
  expect((await readAll(outbox, "play")).map(({ seq }) => seq)).toEqual([5]);
});

test("rejecting several last records leaves an empty stream once the rest is acknowledged", async () => {
  await readAll(outbox, "play");
  await outbox.rejected("play", 3, "record.invalid", "as told");
  await outbox.rejected("play", 4, "record.invalid", "as told");
  await outbox.stored({ play: 2 });
  expect(await outbox.read("play", 2, { recordsMax: 10, bytesMax: 1_000 })).toBeUndefined();
  expect(outbox.ranges().play).toEqual({ stored: 2, oldest: 5, newest: 4 });
});

test("a record appended after a rejected last record is sent and acknowledged normally", async () => {
  await readAll(outbox, "play");
  await outbox.rejected("play", 4, "record.invalid", "as told");
  expect(await readAll(outbox, "play")).toHaveLength(3);
  await put(5);
  await outbox.stored({ play: 3 });
  expect(outbox.ranges().play).toEqual({ stored: 3, oldest: 4, newest: 5 });
  expect((await readAll(outbox, "play")).map(({ seq }) => seq)).toEqual([5]);
  await outbox.stored({ play: 5 });
  expect(outbox.ranges().play).toEqual({ stored: 5, oldest: 6, newest: 5 });
});
