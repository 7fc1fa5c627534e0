import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { TelemetrySchema } from "../../protocol/records.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { NetworkControl, NetworkInterface, SystemProbe } from "../../../platform/ports/host.ts";
import type { StorageTrial } from "../../../platform/ports/machine-facts.ts";
import { failed, seen, UNSUPPORTED, type Reading } from "../../../platform/ports/reading.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { resolveConfig } from "../config/resolve-config.ts";
import { FakeSink } from "../state/testing/fakes.ts";
import { METRICS_MAX, RollupWindow, short } from "./rollup.ts";
import { Telemetry } from "./telemetry.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const config = resolveConfig({ environment: {}, flags: [] }).values;

function setUp(change: { probe?: Partial<SystemProbe>; network?: Partial<NetworkControl> } = {}) {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("telemetry") });
  const adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => undefined });
  const sink = new FakeSink();
  const looks = new Map<string, number>();
  const trials: { newest: Reading<StorageTrial> | undefined } = { newest: undefined };
  const counted = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, key, receiver) => {
        const member: unknown = Reflect.get(object, key, receiver);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          looks.set(String(key), (looks.get(String(key)) ?? 0) + 1);
          return (member as (...given: unknown[]) => unknown).apply(object, args);
        };
      },
    });
  const telemetry = Telemetry.create({
    probe: counted({ ...adapter.probe, ...change.probe }),
    network: { ...adapter.network, ...change.network },
    storageTrial: () => trials.newest,
    sink,
    clock: time,
    timers: time,
    log: silentLog,
    config,
  });
  const stop = new AbortController();
  const running = telemetry.run(stop.signal);
  const metrics = (index: number) => (sink.bodies()[index] as unknown as { intervalMs: number; metrics: Record<string, { min: number; mean: number; max: number; last: number; count: number }> }) ?? { intervalMs: 0, metrics: {} };
  return { time, world, sink, looks, trials, telemetry, stop, running, metrics };
}

describe("telemetry", () => {
  test("samples each metric at its own interval and stores one record per rollup interval", async () => {
    const { time, sink, metrics, telemetry, stop, running } = setUp();
    telemetry.playerMetrics({ "player.renderer-bytes": 100_000_000, fps: 59.9, "Bad Name": 1, "player.nan": Number.NaN });
    await time.advance(300_000);
    expect(sink.records).toHaveLength(1);
    expect(v.safeParse(TelemetrySchema, sink.bodies()[0]).success).toBe(true);
    expect(metrics(0).intervalMs).toBe(300_000);
    // Rates need two readings, and the player's first metrics came later; they expire after 90 s.
    expect(Object.fromEntries(Object.entries(metrics(0).metrics).map(([name, { count }]) => [name, count]))).toEqual({
      "cpu.percent": 30,
      "load.one-minute": 6,
      "memory.used-bytes": 11,
      "memory.used-percent": 11,
      "disk.free-bytes": 2,
      "disk.used-percent": 2,
      "temperature.c": 11,
      "network.received-bytes-per-s": 5,
      "network.sent-bytes-per-s": 5,
      "uptime.s": 2,
      "cpu.mhz": 6,
      "supply.undervoltage": 6,
      "cpu.throttled": 6,
      "pressure.cpu-percent": 6,
      "pressure.memory-percent": 6,
      "pressure.memory-full-percent": 6,
      "pressure.io-percent": 6,
      "pressure.io-full-percent": 6,
      "player.renderer-bytes": 3,
      "player.fps": 3,
    });
    stop.abort();
    await running;
    expect(time.pending().map(({ name }) => name).filter((name) => name.startsWith("telemetry"))).toEqual([]);
  });

  test("the values are those of the machine", async () => {
    const { time, metrics } = setUp();
    await time.advance(600_000);
    const { metrics: seenMetrics } = metrics(1);
    expect(seenMetrics["cpu.percent"]?.mean).toBeGreaterThan(5);
    expect(seenMetrics["cpu.percent"]?.mean).toBeLessThan(20);
    expect(seenMetrics["temperature.c"]?.max).toBeGreaterThan(44);
    expect(seenMetrics["memory.used-percent"]?.min).toBeGreaterThan(30);
  });

  test("undervoltage is the share of samples in which it was seen, and each trial of the storage counts once", async () => {
    const { time, world, metrics, trials } = setUp();
    await time.advance(150_000);
    world.apply({ action: "supply.set", params: { undervoltage: true, throttled: true } });
    trials.newest = seen({ writeMs: 12, readMs: 3, fromDisk: true }, 0);
    await time.advance(450_000);
    expect(metrics(0).metrics["supply.undervoltage"]).toMatchObject({ min: 0, mean: 0.5, max: 1 });
    expect(metrics(1).metrics["cpu.mhz"]?.mean).toBe(600);
    expect([metrics(0), metrics(1)].map((each) => each.metrics["storage.write-ms"]?.count)).toEqual([1, undefined]);
  });

  test("a day costs at most 1.5 MB on the wire, one timer, and few wake-ups", async () => {
    const { time, sink, telemetry } = setUp();
    let turns = 0;
    const after = time.after.bind(time);
    time.after = (name, delayMs, fire) => {
      if (name === "telemetry.tick") turns += 1;
      return after(name, delayMs, fire);
    };
    for (let i = 0; i < 24; i++) {
      telemetry.playerMetrics(Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`player.metric-${n}`, 123_456_789 + i])));
      await time.advance(HOUR);
    }
    const bytes = sink.records.map((record) => JSON.stringify({ seq: 1_000_000, kind: record.kind, wall: 1.8e12, mono: 1e9, body: record.body }).length).reduce((a, b) => a + b, 0);
    expect(sink.records.length).toBe(288);
    expect(bytes).toBeLessThan(500_000);
    // One timer with the shortest interval, not one per sampler.
    expect(turns).toBeLessThanOrEqual(DAY / 10_000 + 1);
  });

  test("a probe that fails, hangs or throws yields no sample and does not affect others", async () => {
    const { time, metrics, looks } = setUp({
      probe: {
        temperatureC: () => Promise.resolve(failed({ code: "probe.temperature", message: "no" })),
        load: () => new Promise(() => {}),
        memory: () => Promise.reject(new Error("a bug")),
        uptimeMs: () => Promise.resolve(UNSUPPORTED),
      },
    });
    await time.advance(310_000);
    const names = Object.keys(metrics(0).metrics);
    expect(names.some((name) => /temperature|load|^memory|uptime/.test(name))).toBe(false);
    expect(names).toEqual(expect.arrayContaining(["cpu.percent", "disk.free-bytes"]));
    // A hanging probe is not started again.
    expect(looks.get("load")).toBe(1);
  });

  test("rates need two readings, ignore counters that were reset, and are computed per interface", async () => {
    const face = (name: string, receivedBytes: number): NetworkInterface => ({ name, kind: "ethernet", up: true, mac: "", addresses: [], receivedBytes, sentBytes: 0 });
    const script: Reading<readonly NetworkInterface[]>[] = [
      seen([face("eth0", 1_000)], 0),
      seen([face("eth0", 61_000)], 0),
      seen([face("eth0", 5), face("wlan0", 9e9)], 0),
      failed({ code: "probe.disk", message: "no" }),
      seen([face("eth0", 1_000_000)], 0),
    ];
    const cpu = [seen({ busyMs: 500, totalMs: 1_000 }, 0), seen({ busyMs: 400, totalMs: 900 }, 0), seen({ busyMs: 900, totalMs: 1_900 }, 0)];
    const { time, metrics } = setUp({
      network: { interfaces: () => Promise.resolve(script.shift() ?? UNSUPPORTED) },
      probe: { cpuTimes: () => Promise.resolve(cpu.shift() ?? UNSUPPORTED) },
    });
    await time.advance(310_000);
    expect(metrics(0).metrics["network.received-bytes-per-s"]).toEqual({ min: 0, mean: 500, max: 1_000, last: 0, count: 2 });
    expect(metrics(0).metrics["cpu.percent"]).toEqual({ min: 50, mean: 50, max: 50, last: 50, count: 1 });
  });

  test("a burst samples and reports often, and ends by itself", async () => {
    const { time, sink, telemetry, metrics } = setUp();
    await time.advance(301_000);
    const wallMs = time.wallMs();
    expect(telemetry.start(120_000, 2_000)).toEqual({ untilMs: wallMs + 120_000 });
    await time.advance(120_000);
    const during = sink.records.length - 1;
    expect([during >= 59, during <= 61]).toEqual([true, true]);
    expect(metrics(5).metrics["temperature.c"]?.count).toBe(1);
    await time.advance(600_000);
    expect(sink.records.length - 1 - during).toBe(2);
    // The first record after a burst covers the time since the burst's last one.
    expect(metrics(during + 1).intervalMs).toBeGreaterThan(100_000);
  });

  test("desired state changes intervals at once; those it omits are the configured ones", async () => {
    const { time, telemetry, sink, metrics } = setUp();
    const wanted = { intervalsMs: { cpu: 1_000 }, rollupMs: 10_000 };
    await time.advance(1_000);
    expect(telemetry.current()).toBeUndefined();
    expect(await telemetry.set(wanted)).toEqual({ ok: true, value: undefined });
    expect(telemetry.current()).toEqual(wanted);
    await time.advance(29_000);
    expect(sink.records.length).toBe(3);
    expect(metrics(1).metrics["cpu.percent"]?.count).toBe(10);
    expect(metrics(2).metrics["memory.used-bytes"]?.count).toBe(1);
  });

  test("a record refused by the outbox is counted, and telemetry goes on", async () => {
    const { time, sink, telemetry } = setUp();
    sink.refuse = "outbox.full";
    await time.advance(600_000);
    sink.refuse = undefined;
    await time.advance(300_000);
    expect([telemetry.counters().refusedRecords, sink.records.length]).toEqual([2, 1]);
  });
});

describe("rollups", () => {
  test("min, mean, max, last and count are right for any samples, and never beyond them", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 50 }), (samples) => {
        const window = new RollupWindow();
        for (const sample of samples) window.add("m", sample);
        const rollup = window.take()?.["m"];
        expect(rollup?.count).toBe(samples.length);
        expect(rollup?.min).toBe(short(Math.min(...samples)));
        expect(rollup?.max).toBe(short(Math.max(...samples)));
        expect(rollup?.last).toBe(short(samples.at(-1) ?? 0));
        expect(window.take()).toBeUndefined();
      }),
    );
  });

  test("the number of metrics is bounded, and values that are not finite are dropped", () => {
    const window = new RollupWindow();
    for (let i = 0; i < METRICS_MAX + 10; i++) window.add(`m${i}`, i);
    window.add("m0", Number.NaN);
    window.add("m0", Number.POSITIVE_INFINITY);
    expect([Object.keys(window.take() ?? {}).length, window.dropped]).toEqual([METRICS_MAX, 12]);
  });

  test.each([
    [0, 0],
    [12.3456, 12.35],
    [0.012345, 0.01235],
    [1_234.56, 1_235],
    [123_456_789, 123_500_000],
    [-47.25, -47.25],
    [99.999, 100],
  ])("%d rounds to %d", (value, few) => {
    expect(short(value)).toBeCloseTo(few, 10);
  });

  test("rounded values are short as text", () => {
    const longest = Math.max(...fc.sample(fc.double({ min: 0.01, max: 1e6, noNaN: true }), 1_000).map((value) => String(short(value)).length));
    expect(longest).toBeLessThanOrEqual(8);
  });
});
