import { beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { Emitter } from "../../../platform/runtime/emitter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { StageScene } from "../../../player-host/contract/link-messages.ts";
import type { NewRecord } from "../outbox/event-sink.ts";
import type { PlayerEvent, PlayerLink, PlayerStatus } from "./player-port.ts";
import { PlayerService } from "./player-service.ts";

const NOW_MS = 10_000_000;
const events = new Emitter<PlayerEvent>((thrown) => {
  throw thrown;
});

let records: NewRecord[];
let answer: Result<{ seq: number }>;
let stored: (readonly [id: string, code?: string])[];
let scenes: StageScene[];
let reported: [string, unknown][];
let lost: number[];
let warned: [message: string, says: unknown][];
let service: PlayerService;
let time: VirtualTime;
let tellStatus: (status: PlayerStatus) => void;

beforeEach(() => {
  time = new VirtualTime({ wallMs: NOW_MS });
  [records, stored, scenes, reported, lost, warned] = [[], [], [], [], [], []];
  answer = ok({ seq: 1 });
  const link: PlayerLink = {
    status: () => ({ kind: "absent", how: "lost", sinceMs: 0, why: "not there" }),
    onStatus: (listener) => {
      tellStatus = listener;
      return () => {};
    },
    onEvent: (listener) => events.on(listener),
    setScene: (scene) => void scenes.push(scene),
    setContext: () => {},
    pageStored: (id, code) => void stored.push(code === undefined ? [id] : [id, code]),
    sendGpio: () => {},
    request: () => Promise.resolve(fail("player.absent", "not there")),
  };
  service = new PlayerService({
    link, log: { ...silentLog, warn: (fields, message) => void warned.push([message, fields["says"]]) },
    events: { append: (record) => (records.push(record), Promise.resolve(answer)) },
    reporter: { set: (section, value) => void reported.push([section, value]) },
    clock: time, timers: time, onMetrics: () => {}, onLost: (count) => void lost.push(count), verdict: () => "showing", contentLabel: (id) => id,
  });
  service.start();
  return () => service.stop();
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const play = (id: string, endedAgoMs: number): void => events.emit({ t: "page-play", id, play: { item: "a", startedMs: NOW_MS - endedAgoMs - 5_000, durationMs: 5_000, result: "completed" } });

test("a play that has just ended carries the verdict; one the host kept through an outage does not", () => {
  play("i-1", 100);
  play("i-2", 3_600_000);
  expect(records.map(({ body, dedupeKey }) => [dedupeKey, body["verdict"]])).toEqual([["page:i-1", "showing"], ["page:i-2", "unknown"]]);
});

test("the host is told whether a record was stored, refused, or invalid", async () => {
  events.emit({ t: "page-event", id: "i-1", name: "order" });
  await settle();
  answer = fail("outbox.full", "no room");
  events.emit({ t: "page-event", id: "i-2", name: "order", data: { n: 1 } });
  await settle();
  events.emit({ t: "page-event", id: "i-3", name: "no spaces in names" });
  events.emit({ t: "page-play", id: "i-4", play: { item: "a" } });
  await settle();
  expect(stored).toEqual([["i-1"], ["i-2", "outbox.full"], ["i-3", "page.invalid"], ["i-4", "page.invalid"]]);
  expect(records.map(({ onceOnDisk }) => onceOnDisk)).toEqual([true, true]);
});

test("the same scene is sent once, whatever the order of its fields", () => {
  service.show({ kind: "fault", code: "a", message: "b" });
  service.show({ message: "b", code: "a", kind: "fault" });
  expect(scenes.length).toBe(1);
});

test("a state that is too large is counted, not reported", () => {
  events.emit({ t: "page-state", state: { text: "x".repeat(5_000) } });
  events.emit({ t: "page-state", state: { slide: 2 } });
  expect(reported.filter(([section]) => section === "page")).toEqual([["page", { slide: 2 }]]);
  expect(service.refused()).toEqual({ "page.too-large": 1 });
});

test("records that the host lost are reported separately from refusals", () => {
  events.emit({ t: "page-refused", code: "page.invalid", count: 3 });
  events.emit({ t: "page-refused", code: "page.lost", count: 5 });
  events.emit({ t: "page-refused", code: "page.lost", count: 2 });
  expect(lost).toEqual([5, 7]);
});

test("the page's state ends with its content, and with its host", () => {
  const page = (): unknown[] => reported.filter(([section]) => section === "page").map(([, value]) => value);
  const present = (instance: string): PlayerStatus => ({
    kind: "present", instance, pid: 1, shell: "test", stage: { kind: "screen", screen: "blank" }, picture: { verdict: "unknown", confidence: 0, evidence: [] }, heardMs: 0,
  });
  tellStatus(present("a"));
  events.emit({ t: "page-state", state: { slide: 1 } });
  events.emit({ t: "page-state" });
  events.emit({ t: "page-state", state: { slide: 2 } });
  tellStatus({ kind: "absent", how: "lost", sinceMs: 0, why: "the link was lost" });
  tellStatus(present("a"));
  expect(page()).toEqual([{ slide: 1 }, undefined, { slide: 2 }]);
  tellStatus(present("b"));
  expect(page()).toHaveLength(4);
  expect(page().at(-1)).toBeUndefined();
});

test("made-up refusal codes are counted together, so that they cannot fill memory", () => {
  for (let n = 0; n < 1_000; n += 1) events.emit({ t: "page-refused", code: `page.made-up-${n}`, count: 1 });
  events.emit({ t: "page-refused", code: "__proto__", count: 7 });
  events.emit({ t: "page-refused", code: "x".repeat(100_000), count: 2 });
  const refused = service.refused();
  expect(Object.keys(refused).length).toBeLessThanOrEqual(33);
  expect(refused["other"]).toBe(1_000 - 32 + 9);
});

test("all lines of the host have the same log text, since the log limits each text", () => {
  for (let n = 0; n < 3; n += 1) events.emit({ t: "log", level: "warn", message: `text ${n}` });
  expect(warned).toEqual([0, 1, 2].map((n) => ["the player host says", `text ${n}`]));
});
