import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { SeededRandom } from "./seeded-random.ts";
import { VirtualTime } from "./virtual-time.ts";
import { CLOCK_SYNC_MS, SimulatedWorld } from "./world.ts";
import { simulatedActions } from "./world-actions.ts";
import { worldStateSchema, type WorldSection, type WorldState } from "./world-state.ts";

function open(stored?: WorldState) {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("world") }, stored);
  const changes: (readonly WorldSection[])[] = [];
  world.onChange((sections) => changes.push(sections));
  return { time, world, changes };
}

describe("simulated world", () => {
  test("is JSON that its own schema accepts, and comes back from it as it was", () => {
    const { world } = open();
    const copy = v.parse(worldStateSchema, JSON.parse(JSON.stringify(world.state)));
    expect(copy).toEqual(world.state);
    expect(open(copy).world.state).toEqual(world.state);
  });

  test("the same seed makes the same device, another seed another one", () => {
    const make = (seed: number): WorldState => {
      const time = new VirtualTime();
      return new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom(seed) }).state;
    };
    expect(make(1)).toEqual(make(1));
    expect(make(1).serial).not.toBe(make(2).serial);
    expect(make(1).power.bootId).not.toBe(make(2).power.bootId);
  });

  test("a TV warms up and cools down; a slow one takes longer; a death in between does not stop it", async () => {
    const { time, world } = open();
    world.turnDisplay(false);
    expect(world.state.display.power).toBe("turning-off");
    await time.advance(world.state.display.coolDownMs);
    expect(world.state.display.power).toBe("standby");
    world.setMood("slow");
    world.turnDisplay(true);
    await time.advance(world.state.display.warmUpMs * 2);
    expect(world.state.display.power).toBe("turning-on");
    const stored = world.state;
    world.close();
    const after = open(stored);
    await after.time.advance(stored.display.warmUpMs * 4);
    expect(after.world.state.display.power).toBe("on");
  });

  test("turning round half-way ends where the last order said", async () => {
    const { time, world } = open();
    world.turnDisplay(false);
    await time.advance(100);
    world.turnDisplay(true);
    await time.runUntilIdle();
    expect(world.state.display.power).toBe("on");
  });

  test("plugging in again brings the old mood back, and the output follows the cable", () => {
    const { world, changes } = open();
    world.setMood("lying");
    world.apply({ action: "hdmi.pull" });
    expect([world.state.display.mood, world.state.outputs["HDMI-A-1"]?.connected]).toEqual(["unplugged", false]);
    expect(changes.at(-1)).toEqual(["display", "outputs"]);
    world.apply({ action: "hdmi.plug" });
    expect([world.state.display.mood, world.state.outputs["HDMI-A-1"]?.connected]).toEqual(["lying", true]);
    world.apply({ action: "hdmi.plug", params: { output: "HDMI-A-2" } });
    expect(world.state.outputs["HDMI-A-2"]?.connected).toBe(true);
  });

  test("levels follow drive, wire, switch, button and pull, in that order", async () => {
    const { time, world } = open();
    expect([world.levelOf("GPIO4"), world.levelOf("GPIO17")]).toEqual([1, 0]);
    world.apply({ action: "gpio.external", params: { line: "GPIO17", level: 1 } });
    expect(world.levelOf("GPIO17")).toBe(1);
    world.apply({ action: "gpio.press", params: { line: "GPIO17", holdMs: 50, bounces: 0 } });
    expect(world.levelOf("GPIO17")).toBe(0);
    await time.advance(60);
    expect(world.levelOf("GPIO17")).toBe(1);
    world.apply({ action: "gpio.wire", params: { line: "GPIO17", to: "GPIO27" } });
    world.updateLine("GPIO27", { direction: "output", driven: 0 });
    expect(world.levelOf("GPIO17")).toBe(0);
    world.updateLine("GPIO27", { driven: 1 });
    expect(world.levelOf("GPIO17")).toBe(1);
    world.updateLine("GPIO17", { direction: "output", driven: 0 });
    expect(world.levelOf("GPIO17")).toBe(0);
  });

  test("a button bounces at both ends and is up again afterwards", async () => {
    const { time, world } = open();
    const levels: unknown[] = [];
    world.onChange(() => levels.push(world.levelOf("GPIO22")));
    world.apply({ action: "gpio.press", params: { line: "GPIO22", holdMs: 40, bounces: 2 } });
    await time.runUntilIdle();
    expect(levels).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });

  test("no button on an output", () => {
    const { world } = open();
    world.updateLine("GPIO17", { direction: "output" });
    expect(world.apply({ action: "gpio.press", params: { line: "GPIO17" } })).toMatchObject({
      ok: false,
      error: { code: "simulated.bad-action" },
    });
  });

  test("a boot changes the boot id and the header, not the TV; the clock is synchronised once there is a network", async () => {
    const { time, world } = open();
    world.updateLine("GPIO17", { direction: "output", driven: 1 });
    world.updateDisplay({ volume: 77 });
    world.apply({ action: "clock.step", params: { byMs: -86_400_000 } });
    world.apply({ action: "network.cut" });
    const before = world.state.power;
    world.boot();
    expect(world.state.power.bootId).not.toBe(before.bootId);
    expect(world.state.power.boots).toBe(2);
    expect([world.levelOf("GPIO17"), world.state.display.volume, world.state.clock.quality]).toEqual([0, 77, "local"]);
    await time.advance(10 * CLOCK_SYNC_MS);
    expect(world.state.clock).toMatchObject({ quality: "local", offsetMs: -86_400_000 });
    world.apply({ action: "network.restore" });
    await time.advance(CLOCK_SYNC_MS);
    expect(world.state.clock).toMatchObject({ quality: "synced", offsetMs: 0 });
  });

  test("the device's clock is off by its offset and its monotonic clock is not; uptime is true time", async () => {
    const { time, world } = open();
    const clock = world.deviceClock();
    const uptimeMs = world.uptimeMs();
    world.apply({ action: "clock.step", params: { byMs: 3_600_000 } });
    await time.advance(1_000);
    expect(clock.wallMs() - time.wallMs()).toBe(3_600_000);
    expect(clock.monotonicMs()).toBe(time.monotonicMs());
    expect(world.uptimeMs() - uptimeMs).toBe(1_000);
  });

  test("a machine that went down while its software was killed is another boot on the next start", () => {
    const { world } = open();
    const stored: WorldState = { ...world.state, power: { ...world.state.power, pending: "reboot" } };
    const after = open(stored).world.state.power;
    expect(after.bootId).not.toBe(stored.power.bootId);
    expect(after).toMatchObject({ pending: "none", boots: stored.power.boots + 1 });
  });

  test("a restart of the software alone keeps the boot id", () => {
    const { world } = open();
    expect(open(world.state).world.state.power).toEqual(world.state.power);
  });

  test("nothing is announced when nothing changed", () => {
    const { world, changes } = open();
    world.updateDisplay({ volume: world.state.display.volume });
    world.apply({ action: "temperature.cool" });
    expect(changes).toEqual([]);
  });
});

describe("what comes in from outside", () => {
  test("every action has what a panel needs, and its defaults work", () => {
    expect(new Set(simulatedActions.map((action) => action.name)).size).toBe(simulatedActions.length);
    const examples: Readonly<Record<string, unknown>> = {
      "cec.key": { key: "red" },
      "cec.message": { opcode: 0x36 },
      "display.mood": { mood: "deaf" },
      "display.latency": { latencyMs: 100 },
      "gpio.press": { line: "GPIO17" },
      "gpio.external": { line: "GPIO17", level: null },
      "gpio.wire": { line: "GPIO17", to: "GPIO18" },
      "gpio.mood": { mood: "normal" },
      "software.mood": { mood: "crashes" },
      "power.mood": { mood: "obeys" },
      "supply.set": { undervoltage: true },
      "card.wear": { lifeUsedPercent: 50 },
      "card.mood": { mood: "slow" },
      "network.router": { gateway: "192.0.2.254" },
      "network.proxies": { proxies: ["http://proxy.test:3128"] },
      "network.settings-mood": { mood: "obeys" },
      "clock.step": { byMs: 1 },
      "clock.quality": { quality: "local" },
      "clock.zone": { zone: "Europe/Madrid" },
    };
    const { world } = open();
    const called: string[] = [];
    world.setHooks({
      onPowerCut: () => called.push("cut"),
      onFreezePlayer: () => called.push("freeze"),
      onKillPlayer: () => called.push("kill"),
    });
    for (const { name, label, help } of simulatedActions) {
      expect([label.length > 0, help.length > 0]).toEqual([true, true]);
      expect(world.apply({ action: name, params: examples[name] ?? {} })).toEqual({ ok: true, value: undefined });
    }
    expect(called).toEqual(["cut", "freeze", "kill"]);
  });

  test("an action of the host that nobody wired, or whose hook throws, says so", () => {
    const { world } = open();
    const { bootId } = world.state.power;
    for (const action of ["power.cut", "player.freeze", "player.kill"]) {
      expect(world.apply({ action })).toMatchObject({ ok: false, error: { code: "simulated.not-wired" } });
    }
    expect(world.state.power.bootId).toBe(bootId);
    world.setHooks({
      onKillPlayer: () => {
        throw new Error("no player");
      },
    });
    expect(world.apply({ action: "player.kill" })).toMatchObject({
      ok: false,
      error: { code: "simulated.hook-failed", message: expect.stringContaining("no player") as string },
    });
  });

  test.each<[unknown, string]>([
    [undefined, "simulated.bad-action"],
    ["display.mood", "simulated.bad-action"],
    [{ action: "no.such" }, "simulated.bad-action"],
    [{ action: "constructor" }, "simulated.bad-action"],
    [{ action: "display.mood", params: { mood: "grumpy" } }, "simulated.bad-action"],
    [{ action: "display.mood", params: { mood: "deaf", extra: 1 } }, "simulated.bad-action"],
    [{ action: "gpio.press", params: { line: "GPIO99" } }, "simulated.bad-action"],
    [{ action: "gpio.press", params: { line: "GPIO17", holdMs: 1e9 } }, "simulated.bad-action"],
    [{ action: "gpio.wire", params: { line: "GPIO17", to: "GPIO17" } }, "simulated.bad-action"],
    [{ action: "hdmi.pull", params: { output: "__proto__" } }, "simulated.bad-action"],
    [{ action: "clock.step", params: { byMs: 1e300 } }, "simulated.bad-action"],
    [{ patch: null }, "simulated.bad-patch"],
    [{ patch: { display: { volume: 101 } } }, "simulated.bad-patch"],
    [{ patch: { display: { colour: "red" } } }, "simulated.bad-patch"],
    [{ patch: { display: null } }, "simulated.bad-patch"],
    [{ patch: { power: { bootId: "forged" } } }, "simulated.bad-patch"],
    [{ patch: { serial: "x" } }, "simulated.bad-patch"],
    [{ patch: { gpio: { lines: { GPIO17: null } } } }, "simulated.bad-patch"],
    [{ patch: { outputs: { "DP-1": { connected: true } } } }, "simulated.bad-patch"],
  ])("%j is refused whole", (input, code) => {
    const { world, changes } = open();
    const before = structuredClone(world.state);
    expect(world.apply(input)).toMatchObject({ ok: false, error: { code } });
    expect(world.state).toEqual(before);
    expect(changes).toEqual([]);
  });

  test("a patch changes what it names, announces the sections, and starts what it implies", async () => {
    const { time, world, changes } = open();
    expect(
      world.apply({
        patch: { display: { power: "turning-off", volume: 5 }, audio: { mute: true }, gpio: { lines: { GPIO17: { external: 1 } } } },
      }).ok,
    ).toBe(true);
    expect(changes).toEqual([["display", "gpio", "audio"]]);
    expect([world.state.display.volume, world.state.audio.mute, world.levelOf("GPIO17")]).toEqual([5, true, 1]);
    await time.runUntilIdle();
    expect(world.state.display.power).toBe("standby");
  });

  test("nothing thrown at it throws, pollutes or breaks the state", () => {
    const { world } = open();
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...simulatedActions.map((action) => action.name), "__proto__"), (junk, action) => {
        world.apply(junk);
        world.apply({ action, params: junk });
        world.apply({ patch: junk });
        world.apply({ patch: { display: junk, gpio: { lines: { GPIO17: junk } } } });
        expect(v.is(worldStateSchema, world.state)).toBe(true);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
