import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { AlarmSchema } from "../../protocol/records.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { FakeSink } from "../state/testing/fakes.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { AlarmBoard, CONDITIONS_MAX, CONFIRM_WITHIN_MS, FLAP_QUIET_MS, HAPPENED_OPEN_MS } from "./alarm-board.ts";
import { alarmRule, ALARM_RULES, type AlarmRules } from "./alarm-rules.ts";
import { foreignCode } from "../../../platform/ports/result.ts";

const RULES: AlarmRules = { "browser.no-picture": { visibleAfterMs: 10_000 }, "temperature.high": { dependsOn: ["temperature.critical"] }, "unit.broken.*": { visibleAfterMs: 5_000 } };

async function setUp(store = new MemoryDocumentStore()) {
  const time = new VirtualTime();
  const sink = new FakeSink();
  const board = await AlarmBoard.load({ store, sink, clock: time, timers: time, log: silentLog, rules: RULES });
  const stop = new AbortController();
  const running = board.run(stop.signal);
  const told = () => sink.bodies().map((body) => `${body["state"] === "raised" ? "+" : "-"}${body["code"] as string}`);
  return { time, sink, board, stop, running, told, store };
}

describe("the alarm board", () => {
  test("reports the beginning and end of a condition once each, as valid records", async () => {
    const { time, sink, board, told } = await setUp();
    board.raise("screen.dark", "critical", "dark", { seen: "standby" });
    await time.advance(1);
    board.raise("screen.dark", "critical", "still dark");
    await time.advance(60_000);
    board.clear("screen.dark", "lit again");
    board.clear("screen.dark", "lit again");
    board.clear("disk.low", "nothing");
    await time.advance(60_000);
    expect(told()).toEqual(["+screen.dark", "-screen.dark"]);
    expect(sink.records.every((record) => record.stream === "alarm" && record.kind === "alarm" && v.safeParse(AlarmSchema, record.body).success)).toBe(true);
    expect(sink.bodies()[0]).toMatchObject({ severity: "critical", message: "dark", evidence: { seen: "standby" } });
  });

  test("a raised condition keeps its message current but is reported once", async () => {
    const { time, sink, board } = await setUp();
    board.raise("browser.no-picture", "warning", "no browser: it was started and has not answered", { seconds: 1 });
    await time.advance(5_000);
    board.raise("browser.no-picture", "warning", "no browser: it ended with code 127", { code: 127 });
    await time.advance(10_000);
    for (let n = 0; n < 500; n += 1) board.raise("browser.no-picture", n % 2 === 0 ? "info" : "warning", `no picture for ${n} s`);
    await time.advance(60_000);
    expect(board.active().get("browser.no-picture")).toMatchObject({ severity: "warning", message: "no picture for 499 s", sinceMs: expect.any(Number) as number });
    expect(sink.bodies()).toMatchObject([{ state: "raised", message: "no browser: it ended with code 127", evidence: { code: 127 } }]);
  });

  test("a condition whose severity rises is reported again, once per severity", async () => {
    const { time, sink, board } = await setUp();
    for (let n = 0; n < 50; n += 1) {
      for (const severity of ["warning", "critical", "error"] as const) {
        board.raise("disk.low", severity, `${severity} ${n}`);
        await time.advance(1_000);
      }
    }
    board.clear("disk.low", "room again");
    await time.advance(1_000);
    expect(sink.bodies().map(({ state, severity }) => [state, severity])).toEqual([["raised", "warning"], ["raised", "critical"], ["cleared", "critical"]]);
  });

  test("every occurrence is reported; those at the same time are merged", async () => {
    const store = new MemoryDocumentStore();
    const first = await setUp(store);
    first.board.happened("storage.quarantined", "error", "a is damaged", { file: "a" });
    first.board.happened("storage.quarantined", "error", "b is damaged", { file: "b" });
    first.board.happened("storage.quarantined", "error", "a is damaged again", { file: "a", n: 2 });
    await first.time.advance(1_000);
    expect(first.sink.bodies()).toMatchObject([
      { state: "raised", message: "a is damaged; b is damaged; a is damaged again", evidence: { file: "a", n: 2, before: [{ file: "a" }, { file: "b" }] } },
    ]);
    first.board.happened("storage.quarantined", "error", "c is damaged");
    await first.time.advance(1_000);
    expect(first.sink.bodies()).toMatchObject([{}, { code: "storage.quarantined", state: "raised", message: "c is damaged" }]);
    first.stop.abort();
    await first.running;
    // The alarm is still open when the next start finds something.
    const second = await setUp(store);
    second.board.happened("storage.quarantined", "error", "d is damaged");
    await second.time.advance(CONFIRM_WITHIN_MS + 1_000);
    expect(second.sink.bodies()).toMatchObject([{ state: "raised", message: "d is damaged" }, { state: "cleared" }]);
  });

  test("merged occurrences that exceed one alarm keep the newest and count the omitted ones", async () => {
    const { time, sink, board } = await setUp();
    for (let n = 0; n < 40; n += 1) board.happened("storage.quarantined", "error", `file ${n} is damaged`, { file: `${n} ${"x".repeat(500)}` });
    await time.advance(1_000);
    const [body] = sink.bodies();
    const evidence = body?.["evidence"] as { file: string; before: readonly { file: string }[]; omitted: number } | undefined;
    const before = evidence?.before ?? [];
    expect([evidence?.file.slice(0, 2), before.at(-1)?.file.slice(0, 2), before.length + (evidence?.omitted ?? 0)]).toEqual(["39", "38", 39]);
    expect(evidence?.omitted).toBeGreaterThan(0);
    expect(v.safeParse(AlarmSchema, body).success).toBe(true);
  });

  test("an occurrence clears some time after it was reported, and another one restarts that time", async () => {
    const { time, sink, board, told } = await setUp();
    sink.refuse = "outbox.disk";
    board.happened("storage.quarantined", "error", "a is damaged");
    await time.advance(2 * HAPPENED_OPEN_MS);
    expect(told()).toEqual([]);
    sink.refuse = undefined;
    await time.advance(60_000);
    expect(told()).toEqual(["+storage.quarantined"]);
    await time.advance(HAPPENED_OPEN_MS - 120_000);
    board.happened("storage.quarantined", "error", "b is damaged");
    await time.advance(HAPPENED_OPEN_MS - 1_000);
    expect([told(), board.active().size]).toEqual([["+storage.quarantined", "+storage.quarantined"], 1]);
    await time.advance(2_000);
    expect([told(), board.active().size]).toEqual([["+storage.quarantined", "+storage.quarantined", "-storage.quarantined"], 0]);
    board.happened("storage.quarantined", "error", "c is damaged");
    board.raise("disk.low", "error", "low");
    await time.advance(HAPPENED_OPEN_MS + 1_000);
    expect(told().slice(3)).toEqual(["+storage.quarantined", "+disk.low", "-storage.quarantined"]);
    expect([...board.active().keys()]).toEqual(["disk.low"]);
  });

  test("a condition that ends before it becomes visible is never reported", async () => {
    const { time, board, told } = await setUp();
    board.raise("browser.no-picture", "warning", "slow");
    await time.advance(9_000);
    expect(board.active().size).toBe(0);
    board.clear("browser.no-picture", "fast");
    await time.advance(60_000);
    board.raise("browser.no-picture", "warning", "slow");
    await time.advance(10_001);
    expect([told(), board.active().has("browser.no-picture")]).toEqual([["+browser.no-picture"], true]);
  });

  test("a consequence is held back by its cause, and reported when it outlives it", async () => {
    const { time, board, told } = await setUp();
    board.raise("temperature.critical", "error", "cause");
    board.raise("temperature.high", "error", "effect");
    await time.advance(1_000);
    expect(told()).toEqual(["+temperature.critical"]);
    board.clear("temperature.critical", "gone");
    await time.advance(1_000);
    expect(told()).toEqual(["+temperature.critical", "-temperature.critical", "+temperature.high"]);
    board.clear("temperature.high", "gone");
    await time.advance(1_000);
    expect(told().at(-1)).toBe("-temperature.high");
  });

  test("a flapping condition is reported a few times, then stays raised until it is quiet", async () => {
    const { time, board, told } = await setUp();
    for (let i = 0; i < 100; i++) {
      board.raise("cloud.clock-behind", "warning", "down");
      await time.advance(1_000);
      board.clear("cloud.clock-behind", "up");
      await time.advance(1_000);
    }
    expect(told().length).toBeLessThanOrEqual(8);
    expect(told().at(-1)).toBe("+cloud.clock-behind");
    await time.advance(FLAP_QUIET_MS);
    expect(told().at(-1)).toBe("-cloud.clock-behind");
  });

  test("open conditions survive a restart: not reported twice, and cleared when they end", async () => {
    const first = await setUp();
    first.board.raise("disk.low", "error", "low");
    first.board.raise("screen.dark", "critical", "dark");
    first.board.raise("player.reload-loop", "error", "x");
    await first.time.advance(1_000);
    first.stop.abort();
    await first.running;
    expect(first.time.pending()).toEqual([]);
    const second = await setUp(first.store);
    expect(second.board.active().size).toBe(3);
    second.board.raise("disk.low", "error", "low");
    second.board.clear("screen.dark", "lit");
    await second.time.advance(CONFIRM_WITHIN_MS + 1_000);
    expect(second.told()).toEqual(["-screen.dark", "-player.reload-loop"]);
    expect([...second.board.active().keys()]).toEqual(["disk.low"]);
  });

  test("a record the outbox refuses is retried; a condition that ended meanwhile is not reported", async () => {
    const { time, sink, board, told } = await setUp();
    sink.refuse = "outbox.disk";
    board.raise("log.not-written", "error", "a");
    board.raise("log.not-set-aside", "error", "c");
    await time.advance(1_000);
    board.clear("log.not-set-aside", "over");
    await time.advance(60_000);
    sink.refuse = undefined;
    await time.advance(60_000);
    expect(told()).toEqual(["+log.not-written"]);
  });

  test("a full disk does not stop alarms", async () => {
    const store = new MemoryDocumentStore();
    store.failWith = "storage.full";
    const { time, board, told } = await setUp(store);
    board.raise("disk.full", "error", "full");
    await time.advance(1_000);
    expect(told()).toEqual(["+disk.full"]);
  });

  test("the number of conditions and the size of their evidence are bounded", async () => {
    const store = new MemoryDocumentStore();
    const { time, sink, board } = await setUp(store);
    for (let i = 0; i < CONDITIONS_MAX + 50; i++) board.raise(`desired.not-kept.code${i}`, "info", "屏".repeat(5_000), { text: "y".repeat(100_000) });
    await time.advance(1_000);
    expect([sink.records.length, board.refused()]).toEqual([CONDITIONS_MAX, 50]);
    expect(Math.max(...sink.records.map((record) => JSON.stringify(record.body).length))).toBeLessThan(2_000);
    // The store accepts documents up to 256 KiB; a larger one would be a bug that stops the board.
    expect(Object.keys(JSON.parse(store.disk.get("alarms.open") ?? "{}") as object)).toHaveLength(CONDITIONS_MAX);
  });

  test("an idle board has one timer, and forgets past conditions", async () => {
    const { time, board } = await setUp();
    for (let i = 0; i < 100; i++) {
      board.raise(`desired.not-kept.code${i}`, "info", "x");
      await time.advance(1);
      board.clear(`desired.not-kept.code${i}`, "y");
    }
    await time.advance(3_600_000);
    expect(time.pending().length).toBe(1);
    for (let i = 0; i < CONDITIONS_MAX; i++) board.raise(`desired.not-kept.other${i}`, "info", "x");
    expect(board.refused()).toBe(0);
  });
});

test("rules are found by code or prefix, and no cause depends on another alarm", () => {
  expect(alarmRule("unit.broken.things", RULES)).toEqual({ visibleAfterMs: 5_000 });
  expect(alarmRule(foreignCode("toString"), RULES)).toEqual({});
  for (const [code, rule] of Object.entries(ALARM_RULES)) {
    for (const cause of rule?.dependsOn ?? []) expect([code, alarmRule(cause).dependsOn ?? []]).toEqual([code, []]);
  }
});
