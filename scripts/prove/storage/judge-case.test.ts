/** Proves that the judge of damaged starts can fail: each violation that it must find is fed to it once. */
import { expect, test } from "vitest";
import type { StoredRecord } from "../harness/ledger.ts";
import type { Area } from "./damages.ts";
import { judgeCase, type CaseSeen } from "./judge-case.ts";
import type { CommandSeen } from "./judge-commands.ts";

const play = (seq: number, page: string): StoredRecord => ({ log: "l", stream: "play", seq, page });
const gap = (count: number, reason: "corrupt" | "rate"): StoredRecord => ({ log: "l", stream: "alarm", seq: count, gap: { stream: "play", reason, count } });
const alarm = (code: string): StoredRecord => ({ log: "l", stream: "alarm", seq: 99, alarm: code });
const hit = (area: Area, keysHurt = 0) => ({ area, text: `${area} damaged`, keysHurt });

const outcomeGap: StoredRecord = { log: "l", stream: "alarm", seq: 7, gap: { stream: "outcome", reason: "corrupt", count: 1 } };
const COMMANDS = [
  { id: "old", stage: "stored", effects: 1, outcomes: [], sentAgain: false },
  { id: "over", stage: "queued", effects: 1, outcomes: ["succeeded"], sentAgain: false },
  { id: "now", stage: "running", effects: 1, outcomes: ["succeeded"], sentAgain: false },
  { id: "next", stage: "waiting", effects: 1, outcomes: ["succeeded"], sentAgain: false },
] as const satisfies readonly CommandSeen[];
const withCommand = (stage: CommandSeen["stage"], seen: Partial<CommandSeen>): Partial<CaseSeen> => ({ commands: COMMANDS.map((command) => (command.stage === stage ? { ...command, ...seen } : command)) });

const WHOLE: CaseSeen = {
  damages: [hit("log")],
  startMs: 10_000,
  startMsMax: 10_000,
  waiting: new Set(["a", "b"]),
  spooled: new Set(["s"]),
  records: [play(1, "a"), play(2, "b"), play(3, "s")],
  commands: COMMANDS,
  sameDevice: true,
  hostFaults: [],
  contentUp: true,
  drawn: "picture",
  verdict: "showing",
};
const WITHOUT_B = [play(1, "a"), play(3, "s")];

test("a start that delivers everything and shows the picture has no violation", () => {
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
  ["a command that is over and runs again", withCommand("stored", { effects: 2 })],
  ["a command whose outcome waits and that runs again", { damages: [hit("journal")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("queued", { effects: 2 }) }],
  ["a command that was running and runs again", { damages: [hit("journal-marks")], ...withCommand("running", { effects: 2 }) }],
  ["a command that waited and runs twice", withCommand("waiting", { effects: 2 })],
  ["a command that runs again as journal and marks are gone, and nobody is told", { damages: [hit("journal"), hit("journal-marks")], ...withCommand("running", { effects: 2 }) }],
  ["a command with two outcomes", { damages: [hit("journal")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("running", { outcomes: ["failed", "failed"] }) }],
  ["a second outcome with a whole queue", { damages: [hit("journal")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("queued", { sentAgain: true, outcomes: ["failed", "failed"] }) }],
  ["a second outcome of what was not sent again", { damages: [hit("outbox")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("queued", { outcomes: ["failed", "failed"] }) }],
  ["a second outcome that says something else", { damages: [hit("outbox")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("queued", { sentAgain: true, outcomes: ["failed", "succeeded"] }) }],
  ["a command that is lost with its journal, and nobody is told", { damages: [hit("journal")], ...withCommand("waiting", { outcomes: [] }) }],
  ["a command that is lost, told or not, where no file knew of it", { damages: [hit("outbox")], records: [...WHOLE.records, alarm("storage.quarantined"), outcomeGap], ...withCommand("waiting", { outcomes: [] }) }],
  ["an outcome that is lost with the queue, and nobody is told", { damages: [hit("outbox")], records: [...WHOLE.records, gap(3, "corrupt")], ...withCommand("queued", { outcomes: [] }) }],
  ["an outcome that is lost, told or not, with a whole queue", { damages: [hit("journal")], records: [...WHOLE.records, alarm("storage.quarantined"), outcomeGap], ...withCommand("queued", { outcomes: [] }) }],
])("%s is a violation", (_what, sabotage) => {
  expect(judgeCase({ ...WHOLE, ...sabotage }).violations).toHaveLength(1);
});

test.each<[string, Partial<CaseSeen>, number, number]>([
  ["a loss that a gap counts", { damages: [hit("outbox")], records: [...WITHOUT_B, gap(1, "corrupt")] }, 1, 0],
  ["a loss that an alarm tells of", { damages: [hit("outbox")], records: [...WITHOUT_B, alarm("storage.quarantined")] }, 1, 1],
  ["a spool's loss that is told", { damages: [hit("spool")], records: [play(1, "a"), play(2, "b"), alarm("player.records-lost")] }, 1, 1],
  ["another device after both keys were hurt", { damages: [hit("identity", 1), hit("identity", 1)], sameDevice: false }, 0, 0],
  ["a white screen that is told while nothing can be fetched", { damages: [hit("content")], contentUp: false, drawn: "white", verdict: "blank" }, 0, 0],
  ["a command that was running, lost with its journal and told", { damages: [hit("journal")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("running", { outcomes: [] }) }, 0, 0],
  ["an outcome lost with the queue and counted by a gap", { damages: [hit("outbox")], records: [...WHOLE.records, outcomeGap], ...withCommand("queued", { outcomes: [] }) }, 0, 0],
  ["a command that runs again as journal and marks are gone, and it is told", { damages: [hit("journal"), hit("journal-marks")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("running", { effects: 2 }) }, 0, 0],
  ["an outcome told again to who sent again, by a queue that was set aside", { damages: [hit("outbox")], records: [...WHOLE.records, alarm("storage.quarantined")], ...withCommand("queued", { sentAgain: true, outcomes: ["succeeded", "succeeded"] }) }, 0, 0],
])("%s is no violation", (_what, seen, missing, uncounted) => {
  expect(judgeCase({ ...WHOLE, ...seen })).toMatchObject({ missing, uncounted, violations: [] });
});
