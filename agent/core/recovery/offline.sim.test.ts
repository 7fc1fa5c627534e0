import { expect, test } from "vitest";
import { fail } from "../../../platform/ports/result.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { PlatformAdapter } from "../../../platform/ports/platform-adapter.ts";
import { nodeCrypto, keyFromSeed } from "../../../platform/linux/node-crypto.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { settling } from "../../../scripts/sim/settle.ts";
import { Agent } from "../agent.ts";
import { DEFAULT_LINK_POLICY } from "../cloud/link-policy.ts";
import { MemoryJournalStore } from "../commands/memory-journal-store.ts";
import { resolveConfig } from "../config/resolve-config.ts";
import { LOOPS, LoopProgress } from "../health/loop-progress.ts";
import { deviceIdOf } from "../identity/identity.ts";
import { MemoryDisk } from "../outbox/memory-outbox-store.ts";
import { Outbox } from "../outbox/outbox.ts";
import type { PlayerStatus } from "../player/player-port.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAYS = 2;
const WEEKS = 4;
const RARE_SAMPLES = ["cpu", "load", "memory", "temperature", "network", "clock", "supply", "pressure", "player"].map((what): [string, string] => [`--telemetry-${what}-ms`, "600000"]);
const SHOWING: PlayerStatus = {
  kind: "present", instance: "i", pid: 1, shell: "s", heardMs: 0,
  stage: { kind: "playing", content: "x", sinceMs: 0, loads: 1 }, picture: { verdict: "showing", confidence: 1, evidence: [] },
};

/**
 * A whole agent whose cloud never answers, with a hardware watchdog and the right to reboot by itself. `isBare`: without display,
 * outputs, lines and sound, and with rare samples: their polling is most of the work of a virtual day.
 */
async function offlineAgent(endpoints: readonly string[], { isBare = false }: { readonly isBare?: boolean } = {}) {
  const time = new VirtualTime({ settle: settling() });
  const random = new SeededRandom("offline");
  const world = new SimulatedWorld({ clock: time, timers: time, random });
  let resets = 0;
  const machine = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => (resets += 1) });
  const { displays: _displays, outputs: _outputs, gpio: _gpio, audio: _audio, cec: _cec, cecBuses: _buses, ...bare } = machine;
  const platform: PlatformAdapter = isBare ? bare : machine;
  const progress = new LoopProgress(time, LOOPS);
  const timers = progress.watch(time);
  const bootId = await platform.power.bootId();
  const key = keyFromSeed(random.bytes(32));
  const disk = new MemoryDisk("log", 8 * 1024 * 1024);
  const outbox = await time.settled(Outbox.open({ openStore: () => Promise.resolve(disk.open()), clock: time, timers, random, log: silentLog, boot: bootId, quality: "synced" }, () => {}));
  const player: { status: PlayerStatus } = { status: SHOWING };
  const { values } = resolveConfig({ environment: {}, flags: [["--watchdog-hardware", "true"], ["--recovery-reboots-per-day", "3"], ...(isBare ? RARE_SAMPLES : [])] });
  const agent = await time.settled(Agent.create(
    {
      clock: time, timers, random, crypto: nodeCrypto, log: silentLog, key, deviceId: await deviceIdOf(nodeCrypto, key.publicKey), bootId, platform,
      player: { status: () => player.status, onStatus: () => () => {}, onEvent: () => () => {}, setScene: () => {}, setContext: () => {}, pageStored: () => {}, sendGpio: () => {}, request: () => Promise.resolve(fail("player.absent", "none")) },
      content: { prepare: () => Promise.resolve(fail("content.unreachable", "no")) },
      documents: new MemoryDocumentStore(), journal: new MemoryJournalStore(), outbox,
      transport: { schemes: new Map([["wss:", { plain: false }]]) as never, connect: () => Promise.resolve({ ok: false, error: { kind: "failed", code: "link.dns", message: "no such name" } }) },
      linkPolicy: DEFAULT_LINK_POLICY,
      uploader: () => ({ upload: () => Promise.resolve(fail("upload.failed", "no")) }), logs: { collect: () => Promise.resolve(fail("logs.unreadable", "no")) },
      setLogLevel: () => {}, logLevel: () => "info", checks: [], storageIssues: () => [], healthy: () => progress.healthy(),
    },
    { version: "0", config: values, configIssues: [], endpoints, name: "", facts: {} },
  ));
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  return { time, world, agent, progress, player, resets: () => resets, end: async () => (stop.abort(), time.settled(running)) };
}

test.each([["with a cloud that cannot be reached", ["wss://cloud.example/device/v1"]], ["without any cloud", []]])("offline for days, %s: every loop makes progress, and nothing resets or reboots the machine", async (_name, endpoints) => {
  const { time, world, agent, progress, resets, end } = await offlineAgent(endpoints);
  for (let day = 0; day < DAYS; day += 1) {
    // The clock jumps too, by years.
    if (day % 2 === 1) world.apply({ action: "clock.step", params: { byMs: 300 * DAY } });
    await time.advance(DAY);
    expect([day, progress.stuck(), resets()]).toEqual([day, [], 0]);
  }
  expect(agent.link.status().kind).not.toBe("online");
  await end();
}, 300_000);

test("offline for four weeks without display, outputs, lines and sound: every loop makes progress, timers do not pile up, and nothing resets or reboots the machine", async () => {
  const { time, world, agent, progress, resets, end } = await offlineAgent(["wss://cloud.example/device/v1"], { isBare: true });
  await time.advance(DAY);
  const timers = time.pending().length;
  for (let day = 1; day < WEEKS * 7; day += 1) {
    if (day % 7 === 1) world.apply({ action: "clock.step", params: { byMs: (day % 2 === 0 ? -300 : 300) * DAY } });
    await time.advance(DAY);
    expect([day, progress.stuck(), resets(), world.state.power.boots]).toEqual([day, [], 0, 1]);
  }
  // A few loops sleep between two steps, and others do not.
  expect(time.pending().length).toBeLessThan(timers + 10);
  expect(agent.link.status().kind).not.toBe("online");
  await end();
}, 300_000);

test("a player host that stays away costs three reboots, which are forced where the orderly way hangs, and no loop", async () => {
  const { time, world, player, resets, end } = await offlineAgent(["wss://cloud.example/device/v1"]);
  await time.advance(HOUR);
  world.apply({ action: "power.mood", params: { mood: "hangs" } });
  player.status = { kind: "absent", how: "lost", sinceMs: time.monotonicMs(), why: "it ended" };
  const { boots } = world.state.power;
  await time.advance(30 * 60_000);
  // The orderly reboot hung, and the forced reset came. In this test the same agent goes on after it.
  expect([resets(), world.state.power.boots - boots]).toEqual([1, 1]);
  await time.advance(6 * HOUR);
  expect(resets()).toBe(3);
  await end();
}, 300_000);

test("a player host that was stopped in an orderly way is an alarm, and no reboot within a day; one that is lost afterwards is", async () => {
  const { time, agent, player, resets, end } = await offlineAgent(["wss://cloud.example/device/v1"]);
  await time.advance(HOUR);
  player.status = { kind: "absent", how: "stopped", sinceMs: time.monotonicMs(), why: "it was stopped" };
  await time.advance(DAY);
  expect([resets(), [...agent.parts.alarms.active().keys()]]).toEqual([0, ["screen.unknown"]]);
  player.status = SHOWING;
  await time.advance(HOUR);
  player.status = { kind: "absent", how: "lost", sinceMs: time.monotonicMs(), why: "it ended" };
  await time.advance(30 * 60_000);
  expect(resets()).toBe(1);
  await end();
}, 300_000);
