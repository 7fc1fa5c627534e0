import { expect, test } from "vitest";
import { managedDisplays } from "./managed-display.ts";
import { DISPLAY_MEMORY_KEY, keepDisplayMemory } from "./display-memory.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";

/** One start of the agent on a machine that keeps `documents`. */
async function start(documents: MemoryDocumentStore, time = new VirtualTime()) {
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("memory") });
  const { displays: attached = [] } = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => {} });
  const displays = managedDisplays(attached, { clock: time, timers: time, log: silentLog });
  const stop = await keepDisplayMemory({ documents, displays, log: silentLog });
  const [main] = displays;
  if (main === undefined) throw new Error("the simulated machine has a TV");
  return { time, stop, display: main.display };
}

test("what a display was seen to obey is known after a restart", async () => {
  const documents = new MemoryDocumentStore();
  const first = await start(documents);
  expect(first.display.memory?.known()).toEqual({});
  await first.time.settled(first.display.set("power", "standby"));
  await first.time.settled(first.display.set("power", "on"));
  const learnt = { "power-off": "standby", "power-on": "image-view-on" };
  expect(first.display.memory?.known()).toEqual(learnt);
  first.stop();
  const second = await start(documents);
  // Which TV is connected is found out with the first order.
  await second.time.settled(second.display.set("power", "on"));
  expect(second.display.memory?.known()).toEqual(learnt);
});

test("a document that makes no sense is ignored", async () => {
  const documents = new MemoryDocumentStore();
  await documents.put({ [DISPLAY_MEMORY_KEY]: { main: { tvs: { "VIT-4242": { "power-on": "magic", volume: 7 }, other: "text" } }, gone: {} } });
  const { display, time } = await start(documents);
  expect(await time.settled(display.set("power", "standby"))).toMatchObject({ observed: { value: "standby" } });
  expect(display.memory?.known()).toEqual({ "power-off": "standby" });
});
