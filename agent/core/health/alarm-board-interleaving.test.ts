import fc from "fast-check";
import { expect, test } from "vitest";
import type { Alarm } from "../../protocol/records.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, type Result } from "../../../platform/ports/result.ts";
import { sleep } from "../../../platform/runtime/sleep.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { NewRecord } from "../outbox/event-sink.ts";
import { FakeSink } from "../state/testing/fakes.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { AlarmBoard, FLAP_QUIET_MS, HAPPENED_OPEN_MS } from "./alarm-board.ts";
import type { AlarmRules } from "./alarm-rules.ts";

const CODES = ["disk.low", "disk.full", "browser.no-picture"] as const;
type TestCode = (typeof CODES)[number];
type Severity = Alarm["severity"];
type Action =
  | { readonly do: "raise" | "happened"; readonly code: TestCode; readonly severity: Severity }
  | { readonly do: "clear"; readonly code: TestCode }
  | { readonly do: "pass"; readonly forMs: number }
  | { readonly do: "appends"; readonly takeMs: number; readonly succeed: boolean };

const RULES: AlarmRules = { "browser.no-picture": { visibleAfterMs: 1_000 }, "disk.low": { dependsOn: ["disk.full"] } };
/** Longer than any append plus the retry after a refused one, for each code. */
const SETTLED_MS = 240_000;

/** An outbox whose appends take a while, and are refused or stored at their end. */
class SlowSink extends FakeSink {
  takeMs = 100;
  succeed = true;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    super();
    this.#time = time;
  }

  override async append(record: NewRecord): Promise<Result<{ readonly seq: number }>> {
    const { succeed } = this;
    await sleep(this.#time, "slow append", this.takeMs, new AbortController().signal);
    return succeed ? super.append(record) : fail("outbox.disk", "the disk is full");
  }
}

async function setUp() {
  const time = new VirtualTime();
  const sink = new SlowSink(time);
  const store = new MemoryDocumentStore();
  const board = await AlarmBoard.load({ store, sink, clock: time, timers: time, log: silentLog, rules: RULES });
  const stop = new AbortController();
  const running = board.run(stop.signal);
  const end = async () => {
    stop.abort();
    await time.settled(running);
  };
  const told = () => sink.bodies().map(({ state, severity, message }) => [state, severity, message]);
  return { time, sink, store, board, told, end };
}

/** Severity by code of what the cloud has raised, according to the records. */
function raisedInCloud({ sink }: { readonly sink: SlowSink }): ReadonlyMap<string, Severity> {
  const raised = new Map<string, Severity>();
  for (const { code, state, severity } of sink.bodies() as readonly { readonly code: string; readonly state: string; readonly severity: Severity }[]) {
    if (state === "raised") raised.set(code, severity);
    else raised.delete(code);
  }
  return raised;
}

function sorted(severities: Iterable<readonly [string, Severity]>): readonly (readonly [string, Severity])[] {
  return [...severities].sort(([one], [other]) => one.localeCompare(other));
}

const code = fc.constantFrom(...CODES);
const severity = fc.constantFrom<Severity>("info", "warning", "error", "critical");
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("raise" as const, "happened" as const), code, severity }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("clear" as const), code }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), forMs: fc.constantFrom(0, 1, 50, 150, 1_100, 31_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("appends" as const), takeMs: fc.constantFrom(0, 100, 2_000), succeed: fc.boolean() }) },
);

function namesLastSaid(lastSaid: ReadonlyMap<string, string>, wanted: string): string[] {
  return [...lastSaid].flatMap(([name, said]) => (said === wanted ? [name] : []));
}

test("after any raises, clears and occurrences during slow or refused appends, the cloud agrees with the board", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 25 }), async (actions) => {
      const rig = await setUp();
      const { time, sink, store, board } = rig;
      const occurrences: string[] = [];
      const lastSaid = new Map<string, "raise" | "happened" | "clear">();
      for (const [n, step] of actions.entries()) {
        if (step.do === "raise") board.raise(step.code, step.severity, `state ${n}.`);
        if (step.do === "clear") board.clear(step.code, "over");
        if (step.do === "happened") {
          occurrences.push(`occurrence ${n}.`);
          board.happened(step.code, step.severity, `occurrence ${n}.`);
        }
        if (step.do === "pass") await time.advance(step.forMs);
        else if (step.do === "appends") Object.assign(sink, step);
        else lastSaid.set(step.code, step.do);
      }
      Object.assign(sink, { takeMs: 100, succeed: true });
      const agrees = () => {
        const active = sorted([...board.active()].map(([name, alarm]) => [name, alarm.severity] as const));
        expect(sorted(raisedInCloud(rig))).toEqual(active);
        expect(Object.keys(JSON.parse(store.disk.get("alarms.open") ?? "{}") as object).sort()).toEqual(active.map(([name]) => name));
        return new Set(active.map(([name]) => name));
      };
      await time.advance(SETTLED_MS);
      const soon = agrees();
      const raisedLast = namesLastSaid(lastSaid, "raise").filter((name) => name !== "disk.low");
      expect([...soon]).toEqual(expect.arrayContaining(raisedLast));
      await time.advance(HAPPENED_OPEN_MS + FLAP_QUIET_MS + SETTLED_MS);
      const later = agrees();
      expect([...later]).toEqual(expect.arrayContaining(raisedLast));
      expect(namesLastSaid(lastSaid, "clear").filter((name) => later.has(name))).toEqual([]);
      // disk.low is held back while disk.full is on.
      board.clear("disk.full", "over");
      await time.advance(HAPPENED_OPEN_MS + FLAP_QUIET_MS);
      agrees();
      const reported = sink.bodies().filter(({ state }) => state === "raised").map(({ message }) => message as string);
      for (const occurrence of occurrences) expect(reported.filter((message) => message.includes(occurrence)), occurrence).toHaveLength(1);
      await rig.end();
    }),
    { numRuns: 300 },
  );
});

test("a condition raised again while its end is being reported is reported as raised again", async () => {
  const { time, board, told, end } = await setUp();
  board.raise("disk.full", "critical", "full");
  await time.advance(1_000);
  board.clear("disk.full", "room");
  await time.advance(50);
  board.raise("disk.full", "warning", "full again");
  await time.advance(1_000);
  expect(told()).toEqual([["raised", "critical", "full"], ["cleared", "critical", "room"], ["raised", "warning", "full again"]]);
  expect(board.active().get("disk.full")).toMatchObject({ severity: "warning", message: "full again" });
  await end();
});

test("an occurrence while the end of the last one is being reported is reported", async () => {
  const { time, board, told, end } = await setUp();
  board.happened("disk.full", "error", "one");
  await time.advance(HAPPENED_OPEN_MS + 150);
  board.happened("disk.full", "error", "two");
  await time.advance(1_000);
  expect(told()).toEqual([["raised", "error", "one"], ["cleared", "error", "it has not happened again"], ["raised", "error", "two"]]);
  await end();
});

test("the end of a condition is reported even if its severity rose just before", async () => {
  const { time, board, told, end } = await setUp();
  board.raise("disk.full", "warning", "full");
  await time.advance(1_000);
  board.raise("disk.full", "critical", "fuller");
  board.clear("disk.full", "room");
  await time.advance(1_000);
  expect(told().map(([state]) => state)).toEqual(["raised", "cleared"]);
  await end();
});

test("occurrences during an append that is refused are merged with those it carried", async () => {
  const { time, sink, board, end } = await setUp();
  sink.succeed = false;
  board.happened("disk.full", "error", "one", { n: 1 });
  await time.advance(50);
  board.happened("disk.full", "error", "two", { n: 2 });
  board.happened("disk.full", "error", "three", { n: 3 });
  sink.succeed = true;
  await time.advance(60_000);
  expect(sink.bodies()).toMatchObject([{ state: "raised", message: "one; two; three", evidence: { n: 3, before: [{ n: 1 }, { n: 2 }] } }]);
  await end();
});
