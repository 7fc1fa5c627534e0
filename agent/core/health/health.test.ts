import { describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { failed, seen, UNSUPPORTED, type Reading } from "../../../platform/ports/reading.ts";
import type { SystemProbe } from "../../../platform/ports/host.ts";
import type { Issue } from "../../../platform/ports/result.ts";
import type { UnitStatus } from "../../../platform/runtime/supervisor.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { PlayerLink } from "../player/player-port.ts";
import { FakeAlarms, FakeReporter } from "../state/testing/fakes.ts";
import { bad, CheckList, good } from "./diagnostic-check.ts";
import { Health, HEALTH_EVERY_MS } from "./health.ts";
import { clockSource, configSource, diskSource, hardwareSource, outboxSource, playerSource, temperatureSource, type HealthSource } from "./health-source.ts";

const MIB = 1024 * 1024;

function setUp(sources: readonly HealthSource[]) {
  const time = new VirtualTime();
  const reporter = new FakeReporter();
  const alarms = new FakeAlarms();
  const units = new Map<string, UnitStatus>();
  const health = new Health({ sources, units: () => units, reporter, alarms, timers: time, log: silentLog });
  const stop = new AbortController();
  const running = health.run(stop.signal);
  return { time, reporter, alarms, units, health, stop, running };
}

const probeWith = (facts: { free?: Reading<number>; temperature?: Reading<number> }): SystemProbe =>
  ({
    disk: () => Promise.resolve(facts.free?.kind === "ok" ? seen({ path: "/data", totalBytes: 1e9, freeBytes: facts.free.value }, 0) : (facts.free ?? UNSUPPORTED)),
    temperatureC: () => Promise.resolve(facts.temperature ?? UNSUPPORTED),
  }) as unknown as SystemProbe;

describe("health", () => {
  test("an issue is reported and raises an alarm; another issue replaces it; none clears it", async () => {
    const facts: { free: Reading<number> } = { free: seen(1_000 * MIB, 0) };
    const { time, reporter, alarms, stop, running } = setUp([diskSource(probeWith(facts), 256 * MIB)]);
    await time.advance(1);
    expect(reporter.document.health).toEqual({});
    facts.free = seen(100 * MIB, 0);
    await time.advance(HEALTH_EVERY_MS);
    expect(reporter.document.health?.["disk"]?.code).toBe("disk.low");
    facts.free = seen(MIB, 0);
    await time.advance(HEALTH_EVERY_MS);
    facts.free = failed({ code: "probe.disk", message: "no" });
    await time.advance(HEALTH_EVERY_MS);
    // An unknown state is not reported as an issue.
    expect([reporter.document.health, alarms.log]).toEqual([{}, ["+disk.low", "-disk.low", "+disk.full", "-disk.full"]]);
    stop.abort();
    await running;
    expect(time.pending()).toEqual([]);
  });

  test("messages do not change with small changes of the values behind them", async () => {
    const facts: { free: Reading<number>; temperature: Reading<number> } = { free: seen(100 * MIB, 0), temperature: seen(84, 0) };
    const probe = probeWith(facts);
    const { time, reporter } = setUp([diskSource(probe, 256 * MIB), temperatureSource(probe)]);
    await time.advance(1);
    const first = reporter.document.health;
    facts.free = seen(99 * MIB, 0);
    facts.temperature = seen(77.3, 0);
    await time.advance(HEALTH_EVERY_MS);
    expect(reporter.document.health).toEqual(first);
    facts.temperature = seen(74, 0);
    await time.advance(HEALTH_EVERY_MS);
    expect(Object.keys(reporter.document.health ?? {})).toEqual(["disk"]);
  });

  test("a source that throws or hangs does not affect the others", async () => {
    const { time, reporter } = setUp([
      { name: "throws", look: () => Promise.reject(new Error("a bug")) },
      { name: "hangs", look: () => new Promise(() => {}) },
      { name: "unwell", look: () => ({ code: "config.wrong-value", message: "z" }) },
    ]);
    await time.advance(HEALTH_EVERY_MS);
    expect(Object.fromEntries(Object.entries(reporter.document.health ?? {}).map(([name, { code }]) => [name, code]))).toEqual({
      throws: "health.bug",
      hangs: "health.no-answer",
      unwell: "config.wrong-value",
    });
  });

  test("broken units are reported; one that keeps breaking raises an alarm", async () => {
    const { time, reporter, alarms, units } = setUp([]);
    units.set("link", { kind: "waiting", restarts: 1, untilMs: 0, lastError: "Error: x\n    at secret (stack)" });
    await time.advance(HEALTH_EVERY_MS);
    expect(reporter.document.health).toEqual({ "unit.link": { code: "unit.broken", message: "failed and is being restarted: Error: x" } });
    expect(alarms.log).toEqual([]);
    units.set("link", { kind: "waiting", restarts: 3, untilMs: 0, lastError: "Error: x" });
    await time.advance(HEALTH_EVERY_MS);
    units.set("link", { kind: "running", restarts: 3, sinceMs: 0 });
    await time.advance(HEALTH_EVERY_MS);
    expect([alarms.log, reporter.document.health]).toEqual([["+unit.broken.link", "-unit.broken.link"], {}]);
  });

  test("clock, player, outbox, configuration and displays report their issues", async () => {
    const time = new VirtualTime();
    const away = { status: () => ({ kind: "absent", sinceMs: time.monotonicMs() - 60_000, why: "crashed" }) } as unknown as PlayerLink;
    const justAway = { status: () => ({ kind: "absent", sinceMs: time.monotonicMs(), why: "crashed" }) } as unknown as PlayerLink;
    const look = async (source: HealthSource) => (await source.look())?.code;
    expect(await look(clockSource({ quality: () => Promise.resolve("unset"), timeZone: () => Promise.resolve(UNSUPPORTED) }))).toBe("clock.unset");
    expect(await look(playerSource(away, time))).toBe("player.absent");
    expect(await look(playerSource(justAway, time))).toBeUndefined();
    expect(await look(outboxSource({ status: () => ({ degraded: { code: "storage.full", message: "full" } }) as never }))).toBe("outbox.degraded");
    expect(await look(configSource([{ source: "file", code: "config.unknown-key", message: "m", hint: "h" }]))).toBe("config.unknown-key");
    expect(await look(configSource([]))).toBeUndefined();
    const present: Issue[] = [{ code: "display.unknown-driver", message: "m" }, { code: "display.name-taken", message: "n" }];
    const hardware = hardwareSource(() => present);
    expect(await hardware.look()).toEqual({ code: "display.unknown-driver", message: "m (and 1 more)" });
    present.length = 0;
    expect(await hardware.look()).toBeUndefined();
  });
});

describe("the list of checks", () => {
  test("every check yields an answer in order, even one that hangs or throws", async () => {
    const time = new VirtualTime();
    const list = new CheckList(
      [
        { name: "good", run: () => Promise.resolve(good("well")) },
        { name: "hangs", run: () => new Promise(() => {}) },
        { name: "throws", run: () => Promise.reject(new Error("a bug")) },
        { name: "bad", run: () => Promise.resolve(bad("broken", "mend it")) },
      ],
      time,
      silentLog,
    );
    const answers = await time.settled(list.run(new AbortController().signal));
    expect(answers.map(({ name, status }) => [name, status])).toEqual([
      ["good", "ok"],
      ["hangs", "failed"],
      ["throws", "failed"],
      ["bad", "failed"],
    ]);
    expect(answers.slice(1).every(({ todo }) => todo !== undefined)).toBe(true);
    expect(time.pending()).toEqual([]);
  });

  test("an abort ends the run with answers", async () => {
    const time = new VirtualTime();
    const stop = new AbortController();
    const running = new CheckList([{ name: "hangs", run: () => new Promise(() => {}) }], time, silentLog).run(stop.signal);
    stop.abort();
    expect((await running)[0]?.status).toBe("failed");
  });
});
