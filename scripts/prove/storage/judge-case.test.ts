/** The judge of damaged starts can fail: each broken promise it is there for is fed to it once. */
import { expect, test } from "vitest";
import type { StoredRecord } from "../harness/ledger.ts";
import { judgeCase, type CaseSeen } from "./judge-case.ts";

const play = (seq: number, page: string): StoredRecord => ({ log: "l", stream: "play", seq, page });
const gap = (count: number, reason: "corrupt" | "rate"): StoredRecord => ({ log: "l", stream: "alarm", seq: count, gap: { stream: "play", reason, count } });
const alarm = (code: string): StoredRecord => ({ log: "l", stream: "alarm", seq: 99, alarm: code });
const hit = (area: "outbox" | "spool" | "identity" | "content" | "log", keysHurt = 0) => ({ area, text: `${area} damaged`, keysHurt });

const WHOLE: CaseSeen = {
  damages: [hit("log")],
  startMs: 10_000,
  startMsMax: 10_000,
  waiting: new Set(["a", "b"]),
  spooled: new Set(["s"]),
  records: [play(1, "a"), play(2, "b"), play(3, "s")],
  sameDevice: true,
  hostFaults: [],
  contentUp: true,
  drawn: "picture",
  verdict: "showing",
};
const WITHOUT_B = [play(1, "a"), play(3, "s")];

test("a start that brings everything and shows the picture is none", () => {
  expect(judgeCase(WHOLE)).toEqual({ missing: 0, uncounted: 0, said: [], violations: [] });
});

test.each<[string, Partial<CaseSeen>]>([
  ["a loss without a word", { damages: [hit("outbox")], records: WITHOUT_B }],
  ["a loss, and a gap that counts too few", { damages: [hit("outbox")], waiting: new Set(["a", "b", "c"]), records: [...WITHOUT_B, gap(1, "corrupt")] }],
  ["a loss, and a gap that is about what was refused", { damages: [hit("outbox")], records: [...WITHOUT_B, gap(5, "rate")] }],
  ["a loss, and a gap of another stream", { damages: [hit("outbox")], records: [...WITHOUT_B, { log: "l", stream: "alarm", seq: 9, gap: { stream: "metric", reason: "corrupt", count: 50 } }] }],
  ["a loss from the queue, and an alarm about the player's records", { damages: [hit("outbox")], records: [...WITHOUT_B, alarm("player.records-lost")] }],
  ["a loss from the spool, and an alarm about the player's absence", { damages: [hit("spool")], records: [play(1, "a"), play(2, "b"), alarm("player.absent")] }],
  ["a loss, and an alarm about something else", { damages: [hit("outbox")], records: [...WITHOUT_B, alarm("display.gone")] }],
  ["a loss where no file of the queue was damaged, told or not", { damages: [hit("log")], records: [...WITHOUT_B, gap(1, "corrupt"), alarm("storage.quarantined")] }],
  ["a loss from a whole spool", { damages: [hit("outbox")], records: [play(1, "a"), play(2, "b"), alarm("player.records-lost")] }],
  ["a spool that lost without a word", { damages: [hit("spool")], records: [play(1, "a"), play(2, "b")] }],
  ["a record that came twice", { records: [...WHOLE.records, play(4, "b")] }],
  ["another device after one key was hurt", { damages: [hit("identity", 1)], sameDevice: false }],
  ["a queue that is not brought", { notBrought: "play 1 to 9" }],
  ["an answer that comes late", { startMs: 10_001 }],
  ["a player host that broke", { hostFaults: ["the player host broke"] }],
  ["a white screen that is called showing", { damages: [hit("content")], contentUp: false, drawn: "white", verdict: "showing" }],
  ["a dark screen that the cloud knows nothing of", { contentUp: false, drawn: "nothing", verdict: "unknown" }],
  ["a white screen that is told, though its content could have been fetched", { damages: [hit("content")], drawn: "white", verdict: "blank" }],
])("%s is a violation", (_what, sabotage) => {
  expect(judgeCase({ ...WHOLE, ...sabotage }).violations).toHaveLength(1);
});

test.each<[string, Partial<CaseSeen>, number, number]>([
  ["a loss that a gap counts", { damages: [hit("outbox")], records: [...WITHOUT_B, gap(1, "corrupt")] }, 1, 0],
  ["a loss that an alarm tells of", { damages: [hit("outbox")], records: [...WITHOUT_B, alarm("storage.quarantined")] }, 1, 1],
  ["a spool's loss that is told", { damages: [hit("spool")], records: [play(1, "a"), play(2, "b"), alarm("player.records-lost")] }, 1, 1],
  ["another device after both keys were hurt", { damages: [hit("identity", 1), hit("identity", 1)], sameDevice: false }, 0, 0],
  ["a white screen that is told while nothing can be fetched", { damages: [hit("content")], contentUp: false, drawn: "white", verdict: "blank" }, 0, 0],
])("%s is none", (_what, seen, missing, uncounted) => {
  expect(judgeCase({ ...WHOLE, ...seen })).toMatchObject({ missing, uncounted, violations: [] });
});
