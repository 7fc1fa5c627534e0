import { expect, test } from "vitest";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { ServerClock } from "./server-clock.ts";

const SERVER = Date.UTC(2026, 5, 1);

test("the server clock follows the monotonic clock, whatever our wall clock does", async () => {
  const time = new VirtualTime({ wallMs: 0 });
  const clock = new ServerClock(time);
  expect([clock.serverNowMs(), clock.uncertaintyMs()]).toEqual([undefined, undefined]);
  clock.learn(SERVER, time.monotonicMs());
  await time.advance(60_000);
  time.stepWall(-1_000_000_000);
  expect(clock.serverNowMs()).toBe(SERVER + 60_000);
});

test("the server clock assumes the middle of the round trip and keeps the best sample until it is old or contradicted", async () => {
  const time = new VirtualTime();
  const clock = new ServerClock(time);
  const startMs = time.monotonicMs();
  const serverAt = (): number => SERVER + time.monotonicMs() - startMs;
  /** A request that took `out` to reach the server; its answer took `back`. */
  const ask = async (out: number, back: number, off = 0): Promise<void> => {
    const askedMs = time.monotonicMs();
    await time.advance(out);
    const says = serverAt() + off;
    await time.advance(back);
    clock.learn(says, askedMs);
  };
  await ask(900, 100);
  expect(Math.abs((clock.serverNowMs() ?? 0) - serverAt())).toBe(400);
  await ask(10, 10);
  expect(clock.serverNowMs()).toBe(serverAt());
  await ask(900, 100);
  expect(clock.serverNowMs()).toBe(serverAt());
  expect(clock.uncertaintyMs()).toBeLessThan(11);
  await ask(10, 10, 7_200_000);
  expect(clock.serverNowMs()).toBe(serverAt() + 7_200_000);
});
