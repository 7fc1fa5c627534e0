import { expect, test } from "vitest";
import { silentLog, type Log } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SharedReading } from "./shared-reading.ts";

function setUp() {
  const time = new VirtualTime();
  const world = { value: 1, looks: 0, finish: [] as (() => void)[], slow: false };
  const reading = new SharedReading<number>(
    { clock: time, timers: time, log: silentLog },
    {
      name: "look",
      deadlineMs: 1_000,
      whenHung: () => -1,
      read: async () => {
        world.looks += 1;
        const { value } = world;
        if (world.slow) await new Promise<void>((resolve) => world.finish.push(resolve));
        return value;
      },
    },
  );
  return { time, world, reading };
}

test("one reading serves all concurrent callers, and later ones until it is too old", async () => {
  const { time, world, reading } = setUp();
  expect(await Promise.all([reading.get(0), reading.get(0), reading.get(0)])).toEqual([1, 1, 1]);
  expect(world.looks).toBe(1);
  await time.advance(100);
  world.value = 2;
  expect(await reading.get(100)).toBe(1);
  expect(await reading.get(99)).toBe(2);
});

test("a reading that began before a change is not cached", async () => {
  const { world, reading } = setUp();
  world.slow = true;
  const old = reading.get(0);
  reading.invalidate();
  world.value = 2;
  world.slow = false;
  expect(await reading.get(0)).toBe(2);
  for (const finish of world.finish) finish();
  expect(await old).toBe(1);
  expect(reading.latest()?.value).toBe(2);
});

test("a hanging reading returns the fallback and blocks further readings until it ends", async () => {
  const { time, world, reading } = setUp();
  world.slow = true;
  const first = reading.get(0);
  await time.advance(1_000);
  expect(await first).toBe(-1);
  await time.advance(1);
  expect([await reading.get(0), world.looks]).toEqual([-1, 1]);
  world.slow = false;
  for (const finish of world.finish) finish();
  await time.advance(1);
  expect([await reading.get(0), world.looks]).toEqual([1, 2]);
});

test("while one of several hanging readings has not ended, no further one is started", async () => {
  const { time, world, reading } = setUp();
  world.slow = true;
  const first = reading.get(0);
  reading.invalidate();
  const second = reading.get(0);
  await time.advance(1_000);
  expect([await first, await second, world.looks]).toEqual([-1, -1, 2]);
  world.slow = false;
  world.finish[0]?.();
  await time.advance(1);
  expect([await reading.get(0), world.looks]).toEqual([-1, 2]);
  world.finish[1]?.();
  await time.advance(1);
  expect([await reading.get(0), world.looks]).toEqual([1, 3]);
});

test("listeners hear of readings and changes; a reading that threw is repeated", async () => {
  const time = new VirtualTime();
  let broken = true;
  const reading = new SharedReading<number>({ clock: time, timers: time, log: silentLog }, { name: "look", deadlineMs: 1, whenHung: () => -1, read: () => (broken ? Promise.reject(new Error("bug")) : Promise.resolve(1)) });
  let news = 0;
  const undo = reading.onNews(() => (news += 1));
  await expect(reading.get(0)).rejects.toThrow("bug");
  broken = false;
  await reading.get(0);
  reading.invalidate();
  undo();
  await reading.get(0);
  expect(news).toBe(2);
});

test("a listener that throws is logged and affects neither the reading nor other listeners", async () => {
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (_fields, message) => errors.push(message) };
  const time = new VirtualTime({ wallMs: 0 });
  const reading = new SharedReading<number>({ clock: time, timers: time, log }, { name: "look", deadlineMs: 1, whenHung: () => -1, read: () => Promise.resolve(1) });
  let heard = 0;
  reading.onNews(() => {
    throw new Error("bug");
  });
  reading.onNews(() => (heard += 1));
  expect(await reading.get(0)).toBe(1);
  reading.invalidate();
  expect(heard).toBe(2);
  expect(errors).toEqual(["a listener of look threw", "a listener of look threw"]);
});
