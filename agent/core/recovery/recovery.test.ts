import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import type { PlayerStatus } from "../player/player-port.ts";
import { LoopProgress } from "../health/loop-progress.ts";
import { storageFailure } from "../storage/document-store.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { certainReboot, ORDERLY_REBOOT_MS } from "./certain-reboot.ts";
import { FIRST_REBOOT_MS, FORGOTTEN_AFTER_MS, LastResort, PAUSE_FACTOR } from "./last-resort.ts";
import { judgePicture, STOPPED_MAX_MS, type PictureFacts, type PictureFinding } from "./picture-trouble.ts";
import { RebootBudget } from "./reboot-budget.ts";
import { WatchdogFeeder } from "./watchdog-feeder.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function setUp() {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("recovery") });
  let wentDown = 0;
  const adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => (wentDown += 1) });
  const overdue: number[] = [];
  const power = certainReboot(adapter.power, { timers: time, log: silentLog, onOverdue: () => overdue.push(time.monotonicMs()) });
  const mood = (wanted: string) => world.apply({ action: "power.mood", params: { mood: wanted } });
  return { time, world, adapter, power, overdue, mood, wentDown: () => wentDown };
}

describe("a reboot", () => {
  test("that is orderly needs no forced reset, and none comes afterwards", async () => {
    const { time, world, power, wentDown } = setUp();
    const { bootId } = world.state.power;
    expect(await power.reboot("update")).toEqual({ ok: true, value: undefined });
    await time.advance(5_000);
    expect([wentDown(), world.state.power.bootId === bootId]).toEqual([1, false]);
    await time.advance(HOUR);
    expect(wentDown()).toBe(1);
  });

  test("that the machine accepts and does not do is forced, also where the agent is gone by then", async () => {
    const { time, world, adapter, mood, wentDown, power, overdue } = setUp();
    mood("hangs");
    const { bootId } = world.state.power;
    await power.reboot("update");
    await adapter.close();
    await time.advance(ORDERLY_REBOOT_MS - 1);
    expect([wentDown(), world.state.power.bootId]).toEqual([0, bootId]);
    await time.advance(2);
    expect(wentDown()).toBe(1);
    expect(world.state.power.bootId).not.toBe(bootId);
    expect(overdue).toEqual([]);
  });

  test("that was accepted does not keep a stopping agent: nothing waits for it any more", async () => {
    const { time, adapter, overdue } = setUp();
    const accepting = { bootId: () => adapter.power.bootId(), shutdown: (reason: string) => adapter.power.shutdown(reason), reboot: () => Promise.resolve(ok(undefined)) };
    const power = certainReboot(accepting, { timers: time, log: silentLog, onOverdue: () => overdue.push(1) });
    const before = time.pending().length;
    await power.reboot("update");
    expect(time.pending().length).toBe(before + 1);
    power.stopWatching();
    expect(time.pending().length).toBe(before);
  });

  test("that is refused leaves no forced reset behind", async () => {
    const { time, adapter, wentDown } = setUp();
    const refusing = { ...adapter.power, bootId: () => adapter.power.bootId(), shutdown: (reason: string) => adapter.power.shutdown(reason), reboot: () => Promise.resolve(fail("host.refused", "no")) };
    const refused = await certainReboot(refusing, { timers: time, log: silentLog, onOverdue: () => {} }).reboot("update");
    expect(refused).toMatchObject({ ok: false, error: { code: "host.refused" } });
    await time.advance(HOUR);
    expect(wentDown()).toBe(0);
    // The same without the disarming would have reset it.
    await adapter.power.forcedReset?.arm(1_000);
    await time.advance(1_001);
    expect(wentDown()).toBe(1);
  });

  test.each([
    ["is refused", () => Promise.resolve(fail("host.refused", "no"))],
    ["throws", () => Promise.reject(new Error("a bug"))],
  ])("that %s leaves no forced reset behind, also where arming it was not confirmed", async (_what, reboot) => {
    const { time, adapter, wentDown } = setUp();
    const { forcedReset } = adapter.power;
    if (forcedReset === undefined) throw new Error("no forced reset");
    const late = {
      check: () => forcedReset.check(),
      disarm: () => forcedReset.disarm(),
      arm: async (delayMs: number) => ((await forcedReset.arm(delayMs)).ok ? fail("reset.refused", "systemctl was still running") : fail("reset.refused", "no")),
    };
    const power = { bootId: () => adapter.power.bootId(), shutdown: (reason: string) => adapter.power.shutdown(reason), forcedReset: late, reboot };
    await certainReboot(power, { timers: time, log: silentLog, onOverdue: () => {} }).reboot("update").catch(() => undefined);
    await time.advance(HOUR);
    expect(wentDown()).toBe(0);
  });

  test("that comes in neither way is noticed, and the hardware watchdog starved, which resets the machine", async () => {
    const { time, adapter, mood, wentDown } = setUp();
    const { watchdog } = adapter;
    if (watchdog === undefined) throw new Error("no watchdog");
    const feeder = new WatchdogFeeder({ watchdog, timers: time, log: silentLog, healthy: () => true });
    const power = certainReboot(adapter.power, { timers: time, log: silentLog, onOverdue: () => feeder.starve("a reboot hangs") });
    void feeder.run(new AbortController().signal);
    await time.advance(DAY);
    expect(wentDown()).toBe(0);
    mood("ignored");
    await power.reboot("update");
    await time.advance(10 * 60_000);
    expect(wentDown()).toBe(1);
  });
});

describe("the hardware watchdog", () => {
  test("is fed while the loops make progress, whatever the cloud does, and resets the machine when they are stuck", async () => {
    const { time, adapter, wentDown } = setUp();
    const { watchdog } = adapter;
    if (watchdog === undefined) throw new Error("no watchdog");
    const progress = new LoopProgress(time, ["a"]);
    const timers = progress.watch(time);
    let stuck = false;
    const turn = (): void => {
      if (!stuck) timers.after("a", 30_000, turn);
    };
    turn();
    const feeder = new WatchdogFeeder({ watchdog, timers: time, log: silentLog, healthy: () => progress.healthy() });
    void feeder.run(new AbortController().signal);
    await time.advance(3 * 7 * DAY);
    expect([wentDown(), feeder.issue()]).toEqual([0, undefined]);
    stuck = true;
    await time.advance(12 * 60_000);
    expect(wentDown()).toBe(1);
  });

  test("that cannot be fed is an issue and tried again, and one that is closed does not bite", async () => {
    const { time, adapter, wentDown } = setUp();
    const { watchdog } = adapter;
    if (watchdog === undefined) throw new Error("no watchdog");
    let busy = true;
    const feed = (): Promise<Result<void>> => (busy ? Promise.resolve(fail("watchdog.unavailable", "busy")) : watchdog.feed());
    const feeder = new WatchdogFeeder({ watchdog: { timeoutMs: 60_000, feed }, timers: time, log: silentLog, healthy: () => true });
    const stop = new AbortController();
    const running = feeder.run(stop.signal);
    await time.advance(1);
    expect(feeder.issue()).toMatchObject({ code: "watchdog.unavailable" });
    busy = false;
    await time.advance(10 * 60_000);
    expect(feeder.issue()).toBeUndefined();
    stop.abort();
    await running;
    await adapter.close();
    await time.advance(HOUR);
    expect(wentDown()).toBe(0);
  });
});

/** A device whose trouble no reboot ends. Each boot is a new agent with the same disk. */
function loopingDevice(store = new MemoryDocumentStore(), rebootsPerDay = 3) {
  const time = new VirtualTime();
  const told: string[] = [];
  const raised = new Set<string>();
  const rebootsAtMs: number[] = [];
  const alarms = {
    raise: (code: string) => void raised.add(code),
    clear: (code: string) => void raised.delete(code),
    happened: (code: string) => void told.push(code),
  };
  let boots = 0;
  let picture: PictureFinding = { kind: "trouble", why: "the picture is frozen" };
  /** For how long the whole agent stood still so far. */
  let stalledMs = 0;
  let stop = new AbortController();
  const boot = async (): Promise<void> => {
    boots += 1;
    const own = new AbortController();
    stop = own;
    const bootedMs = time.monotonicMs();
    const clock = { wallMs: () => time.wallMs(), monotonicMs: () => time.monotonicMs() + stalledMs - bootedMs };
    const budget = await RebootBudget.load({ store, clock, log: silentLog, bootId: `boot-${boots}`, rebootsPerDay });
    const reboot = (): Promise<Result<void>> => {
      rebootsAtMs.push(time.monotonicMs());
      own.abort();
      time.after("test.boot", 30_000, () => void boot());
      return Promise.resolve(ok(undefined));
    };
    void new LastResort({ picture: () => picture, budget, power: { reboot }, alarms, bootId: `boot-${boots}`, clock, timers: time, log: silentLog }).run(own.signal);
  };
  return { time, told, raised, rebootsAtMs, boot, end: () => stop.abort(), heal: () => (picture = { kind: "good" }), hide: () => (picture = { kind: "unseen" }), break: () => (picture = { kind: "trouble", why: "again" }), stall: (forMs: number) => (stalledMs += forMs) };
}

describe("the reboot as the last resort", () => {
  test("comes after twenty minutes of trouble, and later each time; a loop of reboots ends with an alarm", async () => {
    const { time, told, raised, rebootsAtMs, boot } = loopingDevice();
    await boot();
    await time.advance(7 * HOUR);
    const pauses = rebootsAtMs.map((atMs, index) => atMs - (rebootsAtMs[index - 1] ?? 0));
    expect(pauses.map((pauseMs) => Math.round(pauseMs / 60_000))).toEqual([21, 61, 181]);
    expect(pauses[1]).toBeGreaterThanOrEqual(FIRST_REBOOT_MS * PAUSE_FACTOR);
    expect([...raised]).toEqual(["reboot.budget-spent"]);
    expect(told).toEqual(["recovery.reboot", "recovery.rebooted", "recovery.reboot", "recovery.rebooted", "recovery.reboot", "recovery.rebooted"]);
    // From then on one for each that is earned back: three a day.
    await time.advance(7 * DAY);
    expect(rebootsAtMs.length).toBeLessThanOrEqual(3 + 3 * 7 + 1);
  });

  test("is reported once, however often the agent starts afterwards", async () => {
    const { time, told, boot, heal, end } = loopingDevice();
    await boot();
    await time.advance(FIRST_REBOOT_MS + 120_000);
    heal();
    for (let restarts = 0; restarts < 3; restarts += 1) {
      end();
      await boot();
      await time.advance(60_000);
    }
    expect(told).toEqual(["recovery.reboot", "recovery.rebooted"]);
  });

  test("does not come for trouble that ends in time, and the budget is earned back", async () => {
    const { time, raised, rebootsAtMs, boot, heal, break: breakAgain } = loopingDevice();
    await boot();
    await time.advance(FIRST_REBOOT_MS - 60_000);
    heal();
    await time.advance(DAY);
    expect(rebootsAtMs).toEqual([]);
    breakAgain();
    await time.advance(FIRST_REBOOT_MS + 3 * 60_000);
    expect(rebootsAtMs.length).toBe(1);
    heal();
    await time.advance(10 * HOUR);
    breakAgain();
    const fromMs = time.monotonicMs();
    await time.advance(FIRST_REBOOT_MS + 3 * 60_000);
    expect(rebootsAtMs.length).toBe(2);
    expect((rebootsAtMs[1] ?? 0) - fromMs).toBeLessThan(FIRST_REBOOT_MS * 2);
    expect([...raised]).toEqual([]);
  });

  test("comes for trouble that short good times interrupt, and the alarm of a spent budget stays through them", async () => {
    const { time, raised, rebootsAtMs, boot, heal, break: breakAgain } = loopingDevice();
    const flap = async (troubleMs: number, goodMs: number, forMs: number): Promise<void> => {
      for (const endMs = time.monotonicMs() + forMs; time.monotonicMs() < endMs;) {
        breakAgain();
        await time.advance(troubleMs);
        heal();
        await time.advance(goodMs);
      }
    };
    await boot();
    await flap(19 * 60_000, 30_000, 50 * 60_000);
    expect(rebootsAtMs.length).toBe(1);
    await flap(19 * 60_000, 30_000, 6 * HOUR);
    expect([rebootsAtMs.length, [...raised]]).toEqual([3, ["reboot.budget-spent"]]);
    // Good for a few minutes is not over yet; good for longer is.
    await time.advance(FORGOTTEN_AFTER_MS - 2 * 60_000);
    expect([...raised]).toEqual(["reboot.budget-spent"]);
    await time.advance(3 * 60_000);
    expect([...raised]).toEqual([]);
  });

  test("does not come for time in which the agent stood still between two bad looks", async () => {
    const { time, rebootsAtMs, boot, stall } = loopingDevice();
    await boot();
    await time.advance(60_000);
    stall(FIRST_REBOOT_MS);
    await time.advance(60_000);
    expect(rebootsAtMs).toEqual([]);
  });

  test("neither counts nor forgets trouble while there is no picture to judge", async () => {
    const { time, raised, rebootsAtMs, boot, heal, hide, break: breakAgain } = loopingDevice();
    hide();
    await boot();
    await time.advance(DAY);
    breakAgain();
    await time.advance(FIRST_REBOOT_MS - 60_000);
    hide();
    await time.advance(8 * HOUR);
    expect(rebootsAtMs).toEqual([]);
    breakAgain();
    await time.advance(3 * 60_000);
    expect(rebootsAtMs.length).toBe(1);
    await time.advance(6 * HOUR);
    expect([...raised]).toEqual(["reboot.budget-spent"]);
    hide();
    await time.advance(2 * HOUR);
    expect([...raised]).toEqual(["reboot.budget-spent"]);
    heal();
    await time.advance(FORGOTTEN_AFTER_MS + 60_000);
    expect([...raised]).toEqual([]);
  });

  test("does not come at the first bad look after good minutes, however long the trouble before them was", async () => {
    const { time, rebootsAtMs, boot, heal, break: breakAgain } = loopingDevice(new MemoryDocumentStore(), 1);
    await boot();
    // The only reboot of the day is spent at once, and earned back half an hour from here.
    await time.advance(23.5 * HOUR);
    for (let i = 0; i < 5; i++) {
      heal();
      await time.advance(15 * 60_000);
      breakAgain();
      await time.advance(60_000);
    }
    expect(rebootsAtMs.length).toBe(1);
    await time.advance(FIRST_REBOOT_MS);
    expect(rebootsAtMs.length).toBe(2);
  });

  test.each([
    ["a minute of trouble in every ten", 60_000, 9 * 60_000],
    ["nineteen minutes of trouble in every forty", 19 * 60_000, 21 * 60_000],
    ["trouble at every other look", 30_000, 30_000],
  ])("does not come for %s, for a week", async (_name, troubleMs, goodMs) => {
    const { time, raised, rebootsAtMs, boot, heal, break: breakAgain } = loopingDevice();
    heal();
    await boot();
    while (time.monotonicMs() < 7 * DAY) {
      breakAgain();
      await time.advance(troubleMs);
      heal();
      await time.advance(goodMs);
    }
    expect([rebootsAtMs, [...raised]]).toEqual([[], []]);
  });

  test("a clock that jumps by years in either direction neither refills nor blocks the budget", async () => {
    const { time, rebootsAtMs, boot } = loopingDevice();
    await boot();
    let sign = 1;
    for (let i = 0; i < 14; i++) {
      time.stepWall(sign * 20 * 365 * DAY);
      sign = -sign;
      await time.advance(HOUR / 2);
    }
    expect(rebootsAtMs.length).toBe(3);
  });

  test("there is no reboot where the budget cannot be written or read", async () => {
    const store = new MemoryDocumentStore();
    store.put = () => Promise.resolve(storageFailure("storage.read-only", "read-only file system"));
    const { time, raised, rebootsAtMs, boot } = loopingDevice(store);
    await boot();
    await time.advance(DAY);
    expect([rebootsAtMs, [...raised]]).toEqual([[], ["reboot.budget-not-written"]]);
    const damaged = new MemoryDocumentStore();
    damaged.get = () => Promise.resolve(storageFailure("storage.corrupt", "damaged"));
    const other = loopingDevice(damaged);
    await other.boot();
    await other.time.advance(2 * HOUR);
    expect([other.rebootsAtMs, [...other.raised]]).toEqual([[], ["reboot.budget-spent"]]);
  });

  test("a budget that was cut off in the middle of a day goes on where it was", async () => {
    const time = new VirtualTime();
    const store = new MemoryDocumentStore();
    const load = () => RebootBudget.load({ store, clock: time, log: silentLog, bootId: "b", rebootsPerDay: 3 });
    const first = await load();
    for (let i = 0; i < 3; i++) expect(await first.take("x")).toEqual(ok(undefined));
    expect(await first.take("x")).toMatchObject({ ok: false, error: { code: "reboot.budget-spent" } });
    await time.advance(4 * HOUR);
    await first.earn();
    const second = await load();
    expect([second.used, second.last]).toMatchObject([3, { bootId: "b", reason: "x" }]);
    await time.advance(4 * HOUR);
    await second.earn();
    expect((await load()).used).toBe(2);
    await store.put({ "reboot.budget": { nonsense: true } });
    expect((await load()).used).toBe(3);
  });
});

describe("what only a reboot may end", () => {
  const present: Extract<PlayerStatus, { kind: "present" }> = { kind: "present", instance: "i", pid: 1, shell: "s", stage: { kind: "playing", content: "x", sinceMs: 0, loads: 1 }, picture: { verdict: "showing", confidence: 1, evidence: [] }, heardMs: 0 };
  const facts = (change: Partial<PictureFacts> & { readonly verdict?: "showing" | "frozen" | "dark" | "error-page" | "blank" | "unknown" }): PictureFacts => ({
    expectation: { expect: "on", why: "" }, player: present, screen: { verdict: change.verdict ?? "showing", confidence: 1, sinceMs: 0, evidence: [] }, nowMs: STOPPED_MAX_MS, ...change,
  });

  test.each([
    ["a frozen picture", facts({ verdict: "frozen" }), "trouble"],
    ["a player host that is gone", facts({ player: { kind: "absent", how: "lost", sinceMs: 0, why: "it crashed" } }), "trouble"],
    ["a player host that has not come since the agent started", facts({ player: { kind: "absent", how: "yet-to-come", sinceMs: 0, why: "none yet" } }), "unseen"],
    ["a player host that was stopped less than a day ago", facts({ player: { kind: "absent", how: "stopped", sinceMs: 1, why: "it was stopped" } }), "unseen"],
    ["a player host that was stopped a day ago", facts({ player: { kind: "absent", how: "stopped", sinceMs: 0, why: "it was stopped" } }), "trouble"],
    ["a browser without a picture", facts({ player: { ...present, browser: { name: "c", why: "", sandbox: true, support: "tested", picture: { kind: "none", why: "it hangs" }, passedOver: [] } } }), "trouble"],
    ["a good picture", facts({}), "good"],
    ["an error page", facts({ verdict: "error-page" }), "good"],
    ["a picture of one color", facts({ verdict: "blank" }), "good"],
    ["a dark screen, such as without a cable", facts({ verdict: "dark" }), "unseen"],
    ["a picture that cannot be judged", facts({ verdict: "unknown" }), "unseen"],
    ["no verdict yet", { ...facts({}), screen: undefined }, "unseen"],
    ["a frozen picture at night", facts({ verdict: "frozen", expectation: { expect: "off", why: "" } }), "unseen"],
    ["a frozen picture when nothing says what should be", facts({ verdict: "frozen", expectation: { expect: "none", why: "" } }), "unseen"],
  ] as const)("%s", (_name, given, kind) => {
    expect(judgePicture(given).kind).toBe(kind);
  });
});
