import { describe, expect, test } from "vitest";
import * as v from "valibot";
import { RECORD_BODIES } from "../../protocol/records.ts";
import { FakeSink } from "../state/testing/fakes.ts";
import { managedDisplays } from "../state/managed-display.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { SETTLED_MS, TvWatch, type TvEvent } from "./tv-watch.ts";

/** The simulated TV; `outputOfBus`: what the driver says the bus belongs to. */
function setUp(outputOfBus?: string) {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("tv") });
  const { cec, displays: attached = [] } = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => {} });
  if (cec === undefined) throw new Error("the simulated machine has HDMI-CEC");
  const displays = managedDisplays(attached, { clock: time, timers: time, log: silentLog });
  const [display] = displays;
  if (display === undefined) throw new Error("the simulated machine has a TV");
  const sink = new FakeSink();
  const buses = [{ cec, ...(outputOfBus !== undefined && { output: outputOfBus }) }];
  const watch = new TvWatch({ buses, displays, events: sink, clock: time, timers: time, log: silentLog });
  const told: TvEvent[] = [];
  watch.onEvent((event) => told.push(event));
  let invalidations = 0;
  display.status.onNews(() => {
    if (display.status.latest() === undefined) invalidations += 1;
  });
  return { time, world, status: display.status, sink, told, stop: watch.start(), invalidations: () => invalidations };
}

const press = { action: "cec.key", params: { key: "red", holdMs: 100 } };

describe("what a TV says on HDMI-CEC", () => {
  test("becomes events for the cloud that match their published schema", async () => {
    const { world, time, sink } = setUp("HDMI-A-1");
    world.apply(press);
    await time.advance(1_000);
    world.apply({ action: "cec.message", params: { destination: 4, opcode: 0x44, operands: [0x5f] } });
    world.apply({ action: "display.remote", params: { input: "hdmi-2", power: "standby" } });
    world.apply({ action: "cec.message", params: { opcode: 0x90, operands: [1] } });
    const output = "HDMI-A-1";
    expect(sink.records.map(({ stream, kind, source }) => [stream, kind, source])).toEqual(Array.from({ length: 5 }, () => ["event", "cec", "cec"]));
    expect(sink.bodies()).toEqual([
      { name: "key", data: { code: 0x72, key: "red", output } },
      { name: "key", data: { code: 0x5f, output } },
      { name: "source", data: { address: "2.0.0.0", output } },
      { name: "standby", data: { output } },
      { name: "power", data: { power: "standby", output } },
    ]);
    const schema = RECORD_BODIES["event/cec"];
    if (schema === undefined) throw new Error("the kind has a schema");
    for (const body of sink.bodies()) expect(v.safeParse(schema, body).success).toBe(true);
  });

  test("a held key is one event, a second press another one", async () => {
    const { world, time, sink } = setUp();
    const repeat = { action: "cec.message", params: { destination: 4, opcode: 0x44, operands: [0x72] } };
    for (let i = 0; i < 5; i += 1) {
      world.apply(repeat);
      await time.advance(450);
    }
    expect(sink.records).toHaveLength(1);
    world.apply({ action: "cec.message", params: { destination: 4, opcode: 0x45 } });
    world.apply(repeat);
    expect(sink.records).toHaveLength(2);
    // A release that got lost.
    await time.advance(700);
    world.apply(repeat);
    expect(sink.records).toHaveLength(3);
  });

  test("is heard by other parts of the agent, the release of a key included", async () => {
    const { world, time, told } = setUp();
    world.apply(press);
    await time.advance(200);
    expect(told.map(({ event }) => event.kind)).toEqual(["key", "key-released"]);
  });

  test("ends when it stops listening, and leaves no timer", () => {
    const { world, time, sink, stop } = setUp();
    world.apply({ action: "cec.message", params: { opcode: 0x36 } });
    stop();
    world.apply({ action: "cec.message", params: { opcode: 0x36 } });
    expect([sink.records.length, time.pending().filter(({ name }) => name === "tv.settled")]).toEqual([1, []]);
  });
});

describe("the state of a display", () => {
  test("is read again when its TV says something, and once more when the TV has settled", async () => {
    const { world, time, status, stop } = setUp();
    const power = async () => (await time.settled(status.get(60_000))).power;
    expect(await power()).toMatchObject({ value: "on" });
    world.updateDisplay({ coolDownMs: 8_000 });
    world.apply({ action: "display.remote", params: { power: "standby" } });
    expect(await power()).toMatchObject({ value: "turning-off" });
    await time.advance(SETTLED_MS);
    expect(await power()).toMatchObject({ value: "standby" });
    stop();
  });

  test("is not read again for a key that the TV does not obey, nor for the TV of another output", () => {
    const { world, invalidations } = setUp();
    world.apply(press);
    expect(invalidations()).toBe(0);
    const other = setUp("HDMI-A-2");
    other.world.apply({ action: "cec.message", params: { opcode: 0x36 } });
    expect(other.invalidations()).toBe(0);
  });

  test("is read no more often than by polling, however much the TV says", async () => {
    const { world, time, invalidations, stop } = setUp();
    const minutes = 10;
    for (let i = 0; i < minutes * 600; i += 1) {
      world.apply({ action: "cec.message", params: { opcode: 0x85 } });
      await time.advance(100);
    }
    stop();
    expect(invalidations()).toBeGreaterThan(4);
    // Each of the 4 a minute, the 4 of the burst, and one more when the TV has settled.
    expect(invalidations()).toBeLessThanOrEqual(2 * (minutes * 4 + 4));
  });
});
