import { expect, test } from "vitest";
import type { Stream } from "../../protocol/records.ts";
import { OUTBOX_LIMITS } from "./outbox-limits.ts";
import { OutboxBench } from "./testing/outbox-bench.ts";

test("a gap record that is written alone is announced, so that it is sent at once", async () => {
  const bench = new OutboxBench({ limits: { rateOf: () => ({ burst: 0, perSecond: 1e-6 }) } });
  const outbox = await bench.start();
  const announced: Stream[] = [];
  outbox.onAppended((stream) => announced.push(stream));
  expect(await outbox.append({ stream: "event", kind: "page", body: { n: 1 }, source: "page" })).toMatchObject({ ok: false, error: { code: "outbox.rate-limited" } });
  expect(announced).toEqual([]);
  await bench.time.advance(OUTBOX_LIMITS.gapDelayMs);
  expect(await bench.gaps()).toMatchObject([{ stream: "event", reason: "rate", count: 1 }]);
  expect(announced).toContain("alarm");
});
