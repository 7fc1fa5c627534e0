import { describe, expect, it, vi } from "vitest";
import { TestDevice } from "./testing/test-device.ts";
import { deviceWith, heldExecutor, SUCCESS, tableOf } from "./testing/test-executors.ts";

describe("restarts", () => {
  it("runs a command that was delivered but not started", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a", name: "gpio.pulse", params: { line: 4, durationMs: 5 } }));
    device.deliver(device.signedCommand({ id: "b" }));
    await device.time.advance(0);
    device.kill();
    await device.start();
    expect(started.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(device.outcomeOf("a")).toMatchObject({ state: "failed", error: { code: "outcome-unknown" } });
  });

  it("repeats a harmless command, and gives up after the third restart", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    for (let i = 0; i < 4; i += 1) {
      device.kill();
      await device.start();
    }
    expect(started).toHaveLength(4);
    expect(device.outcomeOf("a")).toMatchObject({ state: "failed", error: { code: "command.restart-loop" } });
  });

  it("resolves a running command with the note journaled before its effect", async () => {
    const asked: unknown[] = [];
    const device = new TestDevice(() =>
      tableOf({
        run: async (_name, _params, context) => {
          await context.intend({ pid: 7 });
          return new Promise(() => {});
        },
        resolve: (_name, params, note, overdue) => {
          asked.push({ params, note, overdue });
          return Promise.resolve(SUCCESS);
        },
      }),
    );
    await device.start();
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    device.kill();
    await device.start();
    expect(asked).toEqual([{ params: { line: "GPIO17" }, note: { pid: 7 }, overdue: false }]);
    expect(device.outcomeOf("a")?.state).toBe("succeeded");
  });

  it("when stopped, leaves a running command to the next start but keeps a success that comes in time", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "unknown", name: "gpio.pulse", params: { line: 4, durationMs: 5 } }));
    device.deliver(device.signedCommand({ id: "done", name: "display.power", params: { on: true } }));
    await device.time.advance(0);
    for (const { id, context, end } of started) {
      const stop = (): void =>
        end(id === "done" ? SUCCESS : { state: "failed", error: { code: "command.aborted", message: "stopped" } });
      context.signal.addEventListener("abort", stop, { once: true });
    }
    await device.stop();
    expect((await device.disk.get("unknown", 1))?.state.kind).toBe("running");
    expect((await device.disk.get("done", 1))?.state.kind).toBe("final");
    await device.start();
    expect(device.outcomeOf("done")?.state).toBe("succeeded");
    expect(device.outcomeOf("unknown")?.state).toBe("failed");
  });

  it("stops within the grace period although an executor does not", async () => {
    const { executor } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    const beforeMs = device.time.monotonicMs();
    await device.stop();
    expect(device.time.monotonicMs() - beforeMs).toBeLessThanOrEqual(2_000);
    expect(device.time.pending().map(({ name }) => name)).toEqual([]);
  });

  it("ends with an error after a bug, and resumes everything when the supervisor restarts it", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    device.deliver(device.signedCommand({ id: "b" }));
    await device.time.advance(0);
    const process = device.process ?? (await device.start());
    const disk = vi.spyOn(device.disk, "get").mockRejectedValueOnce(new TypeError("a bug"));
    device.deliver(device.signedCommand({ id: "c" }));
    await expect(device.time.settled(process.done)).rejects.toThrow("a bug");
    expect(disk).toHaveBeenCalled();
    void process.service.run(process.stopping.signal);
    await device.time.advance(0);
    started.at(-1)?.end(SUCCESS);
    await device.time.advance(0);
    started.at(-1)?.end(SUCCESS);
    await device.time.advance(0);
    expect(device.outcomes.map(({ id, state }) => [id, state])).toEqual([
      ["a", "succeeded"],
      ["b", "succeeded"],
    ]);
  });
});
