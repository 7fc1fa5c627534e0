import { describe, expect, test } from "vitest";
import type { LinkStatus } from "../../cloud/cloud-port.ts";
import type { PlayerLink, PlayerStatus } from "../../player/player-port.ts";
import { managedDisplays } from "../../state/managed-display.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../../platform/simulated/world.ts";
import { coreChecks, type CoreChecksDeps } from "../core-checks.ts";
import { CheckList } from "../diagnostic-check.ts";

const nothingWaits = { stored: 0, oldest: 1, newest: 0 };

function setUp(change: Partial<CoreChecksDeps> = {}, withoutHardware = false) {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("checks") });
  const full = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => undefined });
  const { name, evidence, power, probe, network, clock } = full;
  const platform = withoutHardware ? { name, evidence, power, probe, network, clock, close: () => full.close() } : full;
  const outbox = {
    usage: { bytes: 1_000, bytesMax: 1_000_000 },
    ranges: { outcome: nothingWaits, alarm: nothingWaits, play: nothingWaits, event: nothingWaits, metric: nothingWaits },
    counters: { dropped: { outcome: 0, alarm: 0, play: 0, event: 0, metric: 0 } },
    degraded: undefined as { code: string; message: string } | undefined,
  };
  let player: PlayerStatus = {
    kind: "present", instance: "a", pid: 12, shell: "chromium 156", heardMs: time.monotonicMs(),
    stage: { kind: "playing", content: "x", sinceMs: 0, loads: 1 }, picture: { verdict: "showing", confidence: 1, evidence: [] },
    browser: { name: "chromium 156.0.8078.108", why: "found on this machine", sandbox: true, support: "tested", picture: { kind: "seen", afterMs: 900 }, passedOver: [] },
  };
  let link: LinkStatus = { kind: "online", endpoint: "wss://cloud.example/device/v1", session: "s", sinceMs: time.monotonicMs() };
  const checks = coreChecks({
    platform,
    displays: managedDisplays(platform.displays ?? [], { clock: time, timers: time, log: silentLog }),
    player: { status: () => player } as unknown as PlayerLink,
    screen: () => ({ verdict: "showing", confidence: 0.9, sinceMs: 0, evidence: [{ witness: "player", says: "says showing" }] }),
    link: () => link,
    owner: () => ({ name: "Example Ltd", fingerprint: "0123456789abcdef0123456789abcdef" }),
    pairingCode: () => undefined,
    outbox: { status: () => outbox as never },
    storageIssues: () => [],
    configIssues: [],
    hardwareIssues: () => [],
    keepFreeBytes: 256 * 1024 * 1024,
    clock: time,
    machine: [],
    ...change,
  });
  const rows = () => time.settled(new CheckList(checks, time, silentLog).run(new AbortController().signal));
  const run = async () => new Map((await rows()).map((answer) => [answer.name, answer]));
  return {
    time, world, run, rows, outbox,
    setPlayer: (status: PlayerStatus) => (player = status),
    setLink: (status: LinkStatus) => (link = status),
  };
}

test("a player host's log that is not written fails its own check", async () => {
  const { time, run, setPlayer } = setUp();
  const stage = { kind: "playing", content: "x", sinceMs: 0, loads: 1 } as const;
  setPlayer({ kind: "present", instance: "a", pid: 12, shell: "s", heardMs: time.monotonicMs(), stage, picture: { verdict: "showing", confidence: 1, evidence: [] }, logTrouble: "the log /l is not written: ENOSPC" });
  expect((await run()).get("player log")).toMatchObject({ status: "failed", message: "the log /l is not written: ENOSPC", todo: expect.stringContaining("free space") as string });
});

describe("the checks", () => {
  test("on a healthy device every check is ok", async () => {
    const { time, run } = setUp();
    await time.advance(10_000);
    const answers = [...(await run()).values()];
    expect(answers.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(answers.length).toBe(23);
  });

  test.each([
    ["no browser: /usr/bin/chromium did not start: it ended with code 1", /browser does not start/],
    ["no browser: it was started and has not answered yet", /the browser hangs/],
    ["renderer.gone: The page's process ended (crashed), 5 times in 10 minutes.", /page process/],
    ["package.404: The package has no /index.html.", /package/],
  ])("the advice follows the cause rather than suggesting the cable: %s", async (says, todo) => {
    const { run, setPlayer, time } = setUp({ screen: () => ({ verdict: "dark", confidence: 0.9, sinceMs: 0, evidence: [{ witness: "load", says }] }) });
    setPlayer({
      kind: "present", instance: "a", pid: 12, shell: "chromium", heardMs: time.monotonicMs(),
      stage: { kind: "failed", content: "x", error: says }, picture: { verdict: "dark", confidence: 1, evidence: [{ witness: "load", says }] },
    });
    const answers = await run();
    for (const name of ["player", "picture"]) {
      expect(answers.get(name)?.todo, name).toMatch(todo);
      expect(answers.get(name)?.todo, name).not.toContain("cable");
    }
  });

  test("every answer that is not ok says what to do", async () => {
    const { time, world, run, outbox, setPlayer, setLink } = setUp({
      owner: () => undefined,
      pairingCode: () => "AB12CD",
      storageIssues: () => [{ code: "storage.quarantined", message: "outbox.db did not pass its check" }],
      configIssues: [{ source: "file", code: "config.unknown-key", message: "config.json: unknown key", hint: "did you mean log.level?" }],
      hardwareIssues: () => [{ code: "gpio.io", message: "no GPIO chip" }, { code: "display.no-such-output", message: "there is no HDMI-A-9", hint: "one of HDMI-A-1" }],
      screen: () => ({ verdict: "dark", confidence: 0.9, sinceMs: 0, evidence: [] }),
    });
    await time.advance(10_000);
    world.apply({ action: "temperature.overheat" });
    world.apply({ action: "power.mood", params: { mood: "refused" } });
    world.apply({ action: "supply.set", params: { undervoltage: true } });
    world.apply({ action: "card.errors", params: { count: 2 } });
    world.apply({ action: "card.mood", params: { mood: "wrong-data" } });
    world.apply({ action: "pressure.set", params: { memoryPercent: 40 } });
    world.plug("HDMI-A-1", false);
    world.update({ network: { ...world.state.network, link: "down" }, disk: { ...world.state.disk, mood: "full" }, gpio: { ...world.state.gpio, mood: "broken" }, clock: { ...world.state.clock, quality: "unset", sync: "never" } });
    outbox.degraded = { code: "storage.full", message: "no space left" };
    setPlayer({ kind: "absent", how: "lost", sinceMs: 0, why: "it exited with 1" });
    setLink({ kind: "offline", sinceMs: 0, lastError: { code: "link.dns", message: "no such name" } });
    const answers = await run();
    const wrong = [...answers.values()].filter(({ status }) => status !== "ok");
    expect(wrong.map(({ name }) => name).sort()).toEqual([...answers.keys()].sort());
    expect(wrong.filter(({ todo }) => todo === undefined || todo.length < 5)).toEqual([]);
    expect(answers.get("owner")?.todo).toContain("AB12CD");
    expect(answers.get("link to the cloud")?.message).toContain("cannot be looked up");
  });

  test("each mistake of the configuration, each damaged store and each part that cannot be used has a row with its own advice", async () => {
    const { time, rows } = setUp({
      configIssues: Array.from({ length: 7 }, (_, at) => ({ source: "file", code: "config.unknown-key", message: `config.json: unknown key "k${at}"`, hint: `did you mean key${at}?` })),
      storageIssues: () => [{ code: "storage.quarantined", message: "outbox.db did not pass its check" }, { code: "storage.degraded", message: "journal.db is in memory" }],
      hardwareIssues: () => [{ code: "gpio.io", message: "no GPIO chip" }, { code: "display.no-such-output", message: "there is no HDMI-A-9", hint: "one of HDMI-A-1" }],
    });
    await time.advance(10_000);
    const answers = await rows();
    const of = (name: string) => answers.filter((answer) => answer.name === name).map(({ status, message, todo }) => [status, message, todo]);
    expect(of("configuration")).toEqual(Array.from({ length: 7 }, (_, at) => ["warning", `config.json: unknown key "k${at}" (config.unknown-key)`, `did you mean key${at}?`]));
    const [damaged, inMemory, ...noMore] = of("stores");
    expect([damaged?.[1], inMemory?.[1], noMore]).toEqual(["outbox.db did not pass its check (storage.quarantined)", "journal.db is in memory (storage.degraded)", []]);
    expect(of("hardware")).toEqual([["failed", "no GPIO chip (gpio.io)", "see docs/codes.md for this code"], ["failed", "there is no HDMI-A-9 (display.no-such-output)", "one of HDMI-A-1"]]);
  });

  test("hardware that is absent is unsupported, not failed", async () => {
    const { time, run } = setUp({}, true);
    await time.advance(10_000);
    const answers = await run();
    for (const name of ["display", "outputs", "gpio"]) expect([name, answers.get(name)?.status]).toEqual([name, "unsupported"]);
  });

  test("a hanging player, failing content and dropped records are named", async () => {
    const { time, run, outbox, setPlayer } = setUp();
    await time.advance(90_000);
    expect((await run()).get("player")?.status).toBe("warning");
    const picture = { verdict: "error-page", confidence: 1, evidence: [] } as const;
    setPlayer({ kind: "present", instance: "a", pid: 1, shell: "chromium", heardMs: time.monotonicMs(), stage: { kind: "failed", content: "x", error: "net::ERR_NAME_NOT_RESOLVED" }, picture: { ...picture, evidence: [] } });
    outbox.counters.dropped.metric = 12;
    const answers = await run();
    expect([answers.get("player")?.status, answers.get("outbox")?.message]).toEqual(["failed", "nothing is waiting; 0 % of its cap used; dropped since the start: 12 metric"]);
  });
});

describe("the browser's check", () => {
  const browser = { name: "chromium 156.0.8078.108", why: "found on this machine", sandbox: true, support: "tested", picture: { kind: "seen", afterMs: 900 }, passedOver: [] } as const;
  const answerOf = async (change: object) => {
    const { setPlayer, time, run } = setUp();
    const stage = { kind: "playing", content: "x", sinceMs: 0, loads: 1 } as const;
    setPlayer({
      kind: "present", instance: "a", pid: 12, shell: "s", heardMs: time.monotonicMs(), stage,
      picture: { verdict: "showing", confidence: 1, evidence: [] }, browser: { ...browser, ...change },
    });
    return (await run()).get("browser");
  };

  test("names the browser, its version and why it was chosen", async () => {
    expect(await answerOf({})).toEqual({ name: "browser", status: "ok", message: "chromium 156.0.8078.108 (found on this machine)" });
  });

  test.each([
    [{ sandbox: false }, "warning", "chromium 156.0.8078.108 (found on this machine), without its sandbox"],
    [{ passedOver: [{ name: "electron 45.4.1", why: "no picture within 30 s" }] }, "warning", "; instead of electron 45.4.1: no picture within 30 s"],
    [{ picture: { kind: "none", why: "it ended 2 times" } }, "failed", "It has shown no picture: it ended 2 times"],
    [{ name: "chromium 120.0.6099.224" }, "failed", "chromium 120.0.6099.224 is older than 150, the oldest version that is supported"],
    [{ name: "chromium 152.0.1.2" }, "ok", "chromium 152.0.1.2 was not tested; tested are"],
  ])("reports %j as %s, and says what to do", async (change, status, says) => {
    const answer = await answerOf(change);
    expect(answer).toMatchObject({ status, message: expect.stringContaining(says) as string });
    expect(answer?.todo !== undefined && answer.todo !== "").toBe(status !== "ok");
  });
});
