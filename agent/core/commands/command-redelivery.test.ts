import { describe, expect, it } from "vitest";
import { deviceWith, heldExecutor, SUCCESS } from "./testing/test-executors.ts";

describe("redelivery", () => {
  it("never runs a known key again, but acknowledges its state", async () => {
    let effects = 0;
    const device = await deviceWith({ run: () => ((effects += 1), Promise.resolve(SUCCESS)) });
    const signed = device.signedCommand({ id: "a" });
    for (let i = 0; i < 3; i += 1) device.deliver(signed);
    await device.time.advance(0);
    device.deliver(signed);
    await device.time.advance(0);
    expect(effects).toBe(1);
    expect(device.outbox.size).toBe(1);
    expect(device.acksOf("a").at(-1)).toBe("succeeded");
  });

  it("sends the stored outcome again only after the cloud had stored it", async () => {
    const device = await deviceWith();
    const signed = device.signedCommand({ id: "a" });
    device.deliver(signed);
    await device.time.advance(0);
    device.deliver(signed);
    await device.time.advance(10);
    expect(device.outbox.size).toBe(1);
    device.storedUpTo = 1;
    device.deliver(signed);
    await device.time.advance(10);
    expect(device.outcomes).toHaveLength(2);
    expect(device.outcomes[1]).toEqual(device.outcomes[0]);
    device.deliver(signed);
    await device.time.advance(0);
    expect(device.outcomes).toHaveLength(2);
  });

  it("refuses a known key with other parameters and keeps its outcome", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    device.deliver(device.signedCommand({ id: "a", params: { line: "GPIO4" } }));
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["command.key-reused"]);
    expect(device.acksOf("a")).toEqual(["delivered"]);
    expect(device.outcomes).toHaveLength(1);
  });

  it("runs a higher attempt of the same id", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ id: "a", attempt: 1 }));
    device.deliver(device.signedCommand({ id: "a", attempt: 2 }));
    await device.time.advance(0);
    expect(device.outcomes.map(({ id, attempt }) => `${id}:${attempt}`)).toEqual(["a:1", "a:2"]);
  });

  it("rejects a used number under another id, but accepts numbers out of order", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ id: "ten", number: 10 }));
    device.deliver(device.signedCommand({ id: "nine", number: 9 }));
    device.deliver(device.signedCommand({ id: "again", number: 10 }));
    await device.time.advance(0);
    expect(device.outcomeOf("ten")?.state).toBe("succeeded");
    expect(device.outcomeOf("nine")?.state).toBe("succeeded");
    expect(device.outcomeOf("again")).toMatchObject({ state: "rejected", error: { code: "command.number-reused" } });
  });

  it("refuses an unknown key at or below the pruned numbers, without an outcome", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ id: "old", number: 5 }));
    await device.time.advance(10);
    await device.disk.prune({ finishedBeforeWallMs: Number.MAX_SAFE_INTEGER, entriesMax: 0, bytesMax: 0 });
    device.deliver(device.signedCommand({ id: "old", number: 5 }));
    device.deliver(device.signedCommand({ id: "older", number: 4 }));
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["command.replayed", "command.replayed"]);
    expect(device.acksOf("older")).toEqual(["rejected"]);
    expect(device.outcomes).toHaveLength(1);
    expect(device.process?.service.counters().replayed).toBe(2);
  });
});

describe("cancel", () => {
  it("gives a finished and pruned command no second outcome when the cancel is redelivered", async () => {
    for (const canceledAfterMs of [0, 20]) {
      const device = await deviceWith();
      const cancel = device.signedCancel("a", 1, 6);
      device.deliver(device.signedCommand({ id: "a", number: 5 }));
      await device.time.advance(canceledAfterMs);
      device.process?.service.cancel(cancel);
      await device.time.advance(50);
      await device.disk.prune({ finishedBeforeWallMs: Number.MAX_SAFE_INTEGER, entriesMax: 0, bytesMax: 0 });
      device.process?.service.cancel(cancel);
      await device.time.advance(50);
      expect(device.outcomes.map(({ state }) => state)).toEqual(["succeeded"]);
      expect(device.errorCodes()).toEqual(["command.replayed"]);
    }
  });

  it("ends a queued command without running it", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    device.deliver(device.signedCommand({ id: "b" }));
    await device.time.advance(0);
    device.process?.service.cancel(device.signedCancel("b"));
    await device.time.advance(0);
    expect(device.outcomeOf("b")).toMatchObject({ state: "canceled", error: { code: "command.canceled" } });
    expect(device.acksOf("b")).toEqual(["delivered", "canceled"]);
    started[0]?.end(SUCCESS);
    await device.time.advance(0);
    expect(started).toHaveLength(1);
  });

  it("aborts a running command and lets it report its effect", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    device.deliver(device.signedCommand({ id: "b" }));
    await device.time.advance(0);
    device.process?.service.cancel(device.signedCancel("a"));
    await device.time.advance(0);
    expect(started[0]?.context.signal.reason).toBe("canceled");
    expect(device.acksOf("a")).toEqual(["delivered", "running"]);
    const effect = { attempted: true, observed: { kind: "unsupported" } } as const;
    started[0]?.end({ state: "failed", error: { code: "command.aborted", message: "stopped" }, effect });
    await device.time.advance(0);
    expect(device.outcomeOf("a")).toMatchObject({ state: "canceled", effect });
    expect(started.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("does not change the outcome of an effect that already succeeded", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    device.process?.service.cancel(device.signedCancel("a"));
    await device.time.advance(0);
    started[0]?.end(SUCCESS);
    await device.time.advance(0);
    expect(device.outcomeOf("a")?.state).toBe("succeeded");
  });

  it("does not wait for an executor that ignores the abort", async () => {
    const { executor } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    device.process?.service.cancel(device.signedCancel("a"));
    await device.time.advance(5_001);
    expect(device.outcomeOf("a")).toMatchObject({ state: "canceled", error: { hint: "The effect may have begun." } });
  });

  it("is acknowledged for a finished command and changes nothing", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    device.process?.service.cancel(device.signedCancel("a"));
    await device.time.advance(0);
    expect(device.acksOf("a")).toEqual(["delivered", "succeeded"]);
    expect(device.outcomes).toHaveLength(1);
  });

  it("that arrives before its command keeps it from running", async () => {
    let effects = 0;
    const device = await deviceWith({ run: () => ((effects += 1), Promise.resolve(SUCCESS)) });
    const signed = device.signedCommand({ id: "a" });
    device.process?.service.cancel(device.signedCancel("a"));
    device.deliver(signed);
    await device.time.advance(0);
    expect(effects).toBe(0);
    expect(device.acksOf("a")).toEqual(["canceled", "canceled"]);
    expect(device.outcomes.map(({ id, state }) => [id, state])).toEqual([["a", "canceled"]]);
  });

  it.each([0, 1_000])("with a used number is ignored, %i ms after the first", async (laterMs) => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    for (const id of ["a", "b", "c"]) device.deliver(device.signedCommand({ id, name: "display.power", params: { on: true } }));
    await device.time.advance(0);
    const cancel = (id: string, number: number) => device.process?.service.cancel(device.signedCancel(id, 1, number));
    cancel("b", 50);
    await device.time.advance(laterMs);
    cancel("c", 50);
    // The number of another command, and its own.
    cancel("c", 1);
    cancel("c", 3);
    // The same cancel redelivered is accepted.
    cancel("b", 50);
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["command.number-reused", "command.number-reused", "command.number-reused"]);
    expect([device.outcomeOf("b")?.state, device.outcomeOf("c")]).toEqual(["canceled", undefined]);
    started[0]?.end(SUCCESS);
    await device.time.advance(0);
    expect(started.map(({ id }) => id)).toEqual(["a", "c"]);
    // A command with the number of a cancel does not run either, even after a restart.
    device.kill();
    await device.start();
    device.deliver(device.signedCommand({ id: "d", number: 50 }));
    cancel("c", 50);
    await device.time.advance(0);
    expect(device.outcomeOf("d")).toMatchObject({ state: "rejected", error: { code: "command.number-reused" } });
    expect(device.errorCodes()).toHaveLength(4);
  });

  it("must be signed as a cancel", async () => {
    const { executor } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    device.process?.service.cancel({ ...device.signedCancel("a"), signature: "forged" });
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["signature.invalid"]);
    expect(device.acksOf("a")).toEqual(["delivered"]);
  });

  it("of all commands when the owner releases the device", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    for (const id of ["a", "b"]) device.deliver(device.signedCommand({ id }));
    await device.time.advance(0);
    device.process?.service.cancelAll();
    await device.time.advance(5_001);
    expect(device.outcomes.map(({ id, state }) => `${id} ${state}`).toSorted()).toEqual(["a canceled", "b canceled"]);
    expect(started.map(({ id }) => id)).toEqual(["a"]);
  });
});
