import { describe, expect, it } from "vitest";
import { START_MS, TestDevice } from "./testing/test-device.ts";
import { deviceWith, heldExecutor, SUCCESS, tableOf } from "./testing/test-executors.ts";

describe("expiry", () => {
  it("expires on arrival when its date has passed by the cloud's clock", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ id: "a", notAfterMs: START_MS }));
    await device.time.advance(0);
    expect(device.outcomeOf("a")).toMatchObject({ state: "expired", error: { code: "command.expired" } });
    expect(device.acksOf("a")).toEqual(["expired"]);
  });

  it("expires behind a slow command as soon as its time to live has passed", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "slow", name: "display.power", params: { on: true } }));
    device.deliver(device.signedCommand({ id: "waits", name: "display.power", params: { on: true }, ttlMs: 1_000 }));
    await device.time.advance(1_500);
    expect(device.outcomeOf("waits")?.state).toBe("expired");
    started[0]?.end(SUCCESS);
    await device.time.advance(0);
    expect(started.map(({ id }) => id)).toEqual(["slow"]);
  });

  it.each([10 * 365 * 86_400_000, -10 * 365 * 86_400_000])(
    "is not moved by a step of the wall clock by %i ms",
    async (stepMs) => {
      const { executor, started } = heldExecutor();
      const device = await deviceWith(executor);
      device.deliver(device.signedCommand({ id: "slow" }));
      device.deliver(device.signedCommand({ id: "next", ttlMs: 60_000 }));
      await device.time.advance(0);
      device.time.stepWall(stepMs);
      await device.time.advance(100);
      started[0]?.end(SUCCESS);
      await device.time.advance(0);
      expect(started.map(({ id }) => id)).toEqual(["slow", "next"]);
      expect(device.outcomeOf("slow")).toMatchObject({ state: "succeeded", durationMs: 100 });
    },
  );

  it("continues to measure the time to live across an agent restart in the same boot", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "slow", name: "reload-player", params: {} }));
    device.deliver(device.signedCommand({ id: "a", name: "reload-player", params: {}, ttlMs: 10_000 }));
    device.deliver(device.signedCommand({ id: "b", name: "reload-player", params: {}, ttlMs: 60_000 }));
    await device.time.advance(5_000);
    device.kill();
    device.serverKnown = false;
    await device.time.advance(6_000);
    await device.start();
    for (const { end } of started) end(SUCCESS);
    await device.time.advance(0);
    started.at(-1)?.end(SUCCESS);
    await device.time.advance(0);
    expect(device.outcomeOf("a")?.state).toBe("expired");
    expect(started.map(({ id }) => id)).toEqual(["slow", "b"]);
  });

  it("waits for the cloud's time after an outage of unknown length, then decides", async () => {
    for (const [offMs, state] of [
      [30_000, "succeeded"],
      [90_000, "expired"],
    ] as const) {
      const device = await deviceWith();
      const held = heldExecutor();
      const slow = new TestDevice(() =>
        tableOf(device.bootNumber === 1 ? held.executor : { run: () => Promise.resolve(SUCCESS) }),
      );
      await slow.start();
      slow.deliver(slow.signedCommand({ id: "first", name: "gpio.pulse", params: { line: 4, durationMs: 10 } }));
      slow.deliver(slow.signedCommand({ id: "a", ttlMs: 60_000 }));
      await slow.time.advance(0);
      slow.bootAnew();
      device.bootNumber = 2;
      slow.serverKnown = false;
      await slow.time.advance(offMs);
      const process = await slow.start();
      await slow.time.advance(1_000);
      expect(slow.outcomeOf("a")).toBeUndefined();
      slow.serverKnown = true;
      process.service.timeLearnt();
      await slow.time.advance(0);
      expect(slow.outcomeOf("a")?.state).toBe(state);
    }
  });

  it("expires without the cloud's time once the whole time to live has passed again", async () => {
    const device = new TestDevice(() => tableOf(heldExecutor().executor));
    await device.start();
    device.deliver(device.signedCommand({ id: "first", name: "gpio.pulse", params: { line: 4, durationMs: 10 } }));
    device.deliver(device.signedCommand({ id: "a", ttlMs: 60_000 }));
    await device.time.advance(0);
    device.bootAnew();
    device.serverKnown = false;
    await device.start();
    await device.time.advance(59_000);
    expect(device.outcomeOf("a")).toBeUndefined();
    await device.time.advance(2_000);
    expect(device.outcomeOf("a")?.state).toBe("expired");
  });
});

describe("lanes and time-outs", () => {
  it("keeps the order within a lane; lanes do not wait for each other", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "g1", name: "gpio.read" }));
    device.deliver(device.signedCommand({ id: "g2", name: "gpio.read" }));
    device.deliver(device.signedCommand({ id: "d1", name: "display.power", params: { on: true } }));
    await device.time.advance(0);
    expect(started.map(({ id }) => id)).toEqual(["g1", "d1"]);
    started[0]?.end(SUCCESS);
    await device.time.advance(0);
    expect(started.map(({ id }) => id)).toEqual(["g1", "d1", "g2"]);
  });

  it("times out, frees the lane after a grace period, and never gives a second outcome", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "hung" }));
    device.deliver(device.signedCommand({ id: "next" }));
    await device.time.advance(5_000);
    expect(device.outcomeOf("hung")).toMatchObject({
      state: "timed-out",
      error: { code: "command.timed-out" },
      durationMs: 5_000,
    });
    expect(started[0]?.context.signal.reason).toBe("timed-out");
    await device.time.advance(4_900);
    expect(started).toHaveLength(1);
    await device.time.advance(200);
    expect(started.map(({ id }) => id)).toEqual(["hung", "next"]);
    started[0]?.end(SUCCESS);
    started[1]?.end(SUCCESS);
    await device.time.advance(0);
    expect(device.outcomes.map(({ id, state }) => [id, state])).toEqual([
      ["hung", "timed-out"],
      ["next", "succeeded"],
    ]);
  });

  it("times out a step without progress; progress restarts the step time-out", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a", name: "logs.collect", params: {} }));
    await device.time.advance(50_000);
    started[0]?.context.progress("still there");
    await device.time.advance(50_000);
    expect(device.outcomeOf("a")).toBeUndefined();
    await device.time.advance(10_001);
    expect(device.outcomeOf("a")).toMatchObject({
      state: "timed-out",
      error: { code: "command.step-timed-out" },
      durationMs: 110_000,
    });
  });

  it("does not let progress extend the total time-out", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a", name: "logs.collect", params: {} }));
    for (let i = 0; i < 15; i += 1) {
      await device.time.advance(20_000);
      started[0]?.context.progress("busy");
    }
    expect(device.outcomeOf("a")).toMatchObject({
      state: "timed-out",
      error: { code: "command.timed-out" },
      durationMs: 300_000,
    });
  });
});

it("an outcome has no duration when nothing was tried", async () => {
  const device = await deviceWith({ run: () => Promise.resolve({ state: "rejected", error: { code: "gpio.no-such-line", message: "the header has no such line" } }) });
  device.deliver(device.signedCommand({ id: "a" }));
  await device.time.advance(10);
  expect(device.outcomeOf("a")).toMatchObject({ state: "rejected", error: { code: "gpio.no-such-line" } });
  expect(device.outcomeOf("a")).not.toHaveProperty("durationMs");
});
