import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { ReportedDocumentSchema } from "../../protocol/reported.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import { seen } from "../../../platform/ports/reading.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { bucketedBytes } from "./bucket.ts";
import { managedDisplays } from "./managed-display.ts";
import { HardwareReporter, POLL_MS } from "./hardware-reporter.ts";
import { reportable } from "./reportable.ts";
import { FakeReporter } from "./testing/fakes.ts";

async function setUp(change: (adapter: PlatformAdapter) => { readonly [K in keyof PlatformAdapter]?: PlatformAdapter[K] | undefined } = () => ({})) {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("hardware") });
  const adapter = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => undefined });
  const platform = { ...adapter, ...change(adapter) } as PlatformAdapter;
  const reporter = new FakeReporter();
  const usage = { bytes: 0, dropped: 0 };
  const zones: (string | undefined)[] = [];
  const displays = managedDisplays(platform.displays ?? [], { clock: time, timers: time, log: silentLog });
  const displayStatus = displays[0]?.status;
  const hardware = new HardwareReporter({
    platform,
    displays,
    outbox: { status: () => ({ usage: { bytes: usage.bytes, bytesMax: 1e9 }, counters: { dropped: { metric: usage.dropped } } }) as never },
    reporter,
    clock: time,
    timers: time,
    random: new SeededRandom("jitter"),
    log: silentLog,
    onTimeZone: (zone) => zones.push(zone),
  });
  const stop = new AbortController();
  const running = hardware.run(stop.signal);
  await time.advance(5_000);
  /** Sections set since history index `from` whose text changed, so that they would be sent. */
  const news = (from: number): string[] => {
    const last = new Map(reporter.history.slice(0, from).map(({ section, value }) => [section, JSON.stringify(reportable(value))]));
    return reporter.history.slice(from).flatMap(({ section, value }) => {
      const text = JSON.stringify(reportable(value));
      const changed = last.get(section) !== text;
      last.set(section, text);
      return changed ? [section] : [];
    });
  };
  return { time, world, adapter, reporter, usage, stop, running, news, displayStatus, zones };
}

describe("the hardware reporter", () => {
  test("the document has every part, is valid, and contains no monotonic times", async () => {
    const { reporter, zones } = await setUp();
    expect(zones).toEqual([reporter.document.clock?.timeZone.kind === "ok" ? reporter.document.clock.timeZone.value : "unknown"]);
    expect(v.safeParse(ReportedDocumentSchema, reporter.document).issues).toBeUndefined();
    expect(Object.keys(reporter.document).sort()).toEqual(["audio", "clock", "display", "gpio", "machine", "network", "outbox", "outputs"]);
    expect(JSON.stringify(reporter.document)).not.toContain("atMs");
    expect(reporter.document.display?.power).toEqual({ kind: "ok", value: "on" });
    expect(reporter.document.outputs?.["HDMI-A-1"]).toMatchObject({ connected: { kind: "ok", value: true }, dpms: { kind: "ok", value: "on" } });
    expect(reporter.document.gpio?.["GPIO17"]).toBe(0);
  });

  test("an hour without changes causes no reports", async () => {
    const { time, reporter, news } = await setUp();
    await time.advance(60_000);
    const from = reporter.history.length;
    await time.advance(3_600_000);
    expect(news(from)).toEqual([]);
  });

  test("a pulled cable is reported at once; unannounced changes within one poll", async () => {
    const { time, world, reporter } = await setUp();
    world.plug("HDMI-A-1", false);
    await time.advance(100);
    expect(reporter.document.outputs?.["HDMI-A-1"]).toMatchObject({ connected: { kind: "ok", value: false } });
    world.update({ audio: { volume: 7, mute: true } });
    await time.advance(1.2 * POLL_MS);
    expect(reporter.document.audio).toEqual({ volume: { kind: "ok", value: 7 }, mute: { kind: "ok", value: true } });
  });

  test("the modes of the display that is connected are reported, and no others", async () => {
    const { time, world, reporter } = await setUp();
    expect(reporter.document.display).toMatchObject({ mode: { kind: "ok", value: "1920x1080@60" }, choices: { mode: expect.arrayContaining(["1920x1080@59.94", "3840x2160@30"]) as string[] } });
    expect(v.safeParse(ReportedDocumentSchema, reporter.document).issues).toBeUndefined();
    world.setMood("unplugged");
    await time.advance(POLL_MS * 1.2);
    expect([reporter.document.display?.mode?.kind, reporter.document.display?.choices]).toEqual(["failed", undefined]);
  });

  test("a display with more modes than a report has room for is reported with the first hundred", async () => {
    const modes = Array.from({ length: 150 }, (_, index) => `1920x1080@${index + 1}`);
    const { reporter } = await setUp(({ displays = [] }) => ({ displays: displays.map((each) => ({ ...each, display: { capabilities: each.display.capabilities, status: () => each.display.status(), set: () => Promise.reject(new Error("nothing is set")), worstCaseMs: () => 1_000, choices: () => ({ mode: modes }) } })) }));
    expect(reporter.document.display?.choices?.mode).toEqual(modes.slice(0, 100));
    expect(v.safeParse(ReportedDocumentSchema, reporter.document).issues).toBeUndefined();
  });

  test("a new reading of the display is reported, whoever caused it", async () => {
    const { time, world, reporter, displayStatus } = await setUp();
    world.turnDisplay(false);
    await time.advance(10_000);
    displayStatus?.invalidate();
    await time.advance(5_000);
    expect(reporter.document.display?.power).toEqual({ kind: "ok", value: "standby" });
  });

  test("a sound server that amplifies is reported at the end of the range, which the wire does not exceed", async () => {
    const { reporter } = await setUp((adapter) => ({ audio: { ...adapter.audio, volume: () => Promise.resolve(seen(150, 0)) } as PlatformAdapter["audio"] & object }));
    expect(reporter.document.audio?.volume).toEqual({ kind: "ok", value: 100 });
  });

  test("a hanging part is left out and does not delay the others", async () => {
    const { time, reporter } = await setUp((adapter) => ({ audio: { ...adapter.audio, volume: () => new Promise(() => {}) } as PlatformAdapter["audio"] & object }));
    await time.advance(30_000);
    expect(reporter.document.audio).toBeUndefined();
    expect(reporter.document.network).toBeDefined();
  });

  test("the machine's condition is reported; errors of a file system by their order of magnitude, so that a failing card does not flood the link", async () => {
    const { time, world, reporter, news } = await setUp();
    expect(reporter.document.machine).toMatchObject({ bootId: world.state.power.bootId, undervoltage: { value: false }, storage: { device: { value: "mmcblk0" }, fileSystems: { value: [] } } });
    world.apply({ action: "card.errors", params: { count: 12 } });
    world.apply({ action: "supply.set", params: { undervoltage: true } });
    await time.advance(POLL_MS * 1.2);
    const from = reporter.history.length;
    for (let i = 0; i < 20; i++) {
      world.apply({ action: "card.errors", params: { count: 2 } });
      await time.advance(POLL_MS);
    }
    expect(news(from)).not.toContain("machine");
    expect(reporter.document.machine).toMatchObject({ undervoltage: { value: true }, storage: { fileSystems: { value: [{ name: "mmcblk0p2", count: 10 }] } } });
  });

  test("absent hardware is not reported, and small changes of the outbox size cause no reports", async () => {
    const { time, reporter, usage, news, adapter } = await setUp(() => ({ audio: undefined, gpio: undefined, outputs: undefined, displays: undefined }));
    expect(adapter.name).toBe("simulated");
    expect(Object.keys(reporter.document).sort()).toEqual(["clock", "machine", "network", "outbox"]);
    const from = reporter.history.length;
    for (let i = 0; i < 30; i++) {
      usage.bytes += 30_000;
      await time.advance(POLL_MS);
    }
    expect(news(from)).toEqual([]);
    usage.bytes = 3_000_000;
    await time.advance(1.2 * POLL_MS);
    expect(reporter.document.outbox?.bytes).toBe(2 ** 21);
  });

  test("stopping leaves no timer of its own", async () => {
    const { time, stop, running } = await setUp();
    stop.abort();
    await running;
    await time.advance(60_000);
    expect(time.pending().filter(({ name }) => name.startsWith("hardware"))).toEqual([]);
  });
});

test("a size is rounded down to a power of two, and to 0 below the floor", () => {
  expect([bucketedBytes(10, 100), bucketedBytes(1_500, 100)]).toEqual([0, 1_024]);
});
