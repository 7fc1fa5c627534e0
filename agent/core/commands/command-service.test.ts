import { describe, expect, it } from "vitest";
import { fail } from "../../../platform/ports/result.ts";
import { DEVICE_ID, START_MS, TestDevice } from "./testing/test-device.ts";
import { deviceWith, heldExecutor, SUCCESS } from "./testing/test-executors.ts";

/** After an outcome came into the outbox, until its journal entry says so. */
const MARKED_MS = 10;
/** Running and the outcome in the journal, and the outcome in the outbox; the executor here intends nothing. */
const WRITES_TO_OUTCOME = 3;

describe("a command", () => {
  it("is acknowledged, run and answered with its outcome", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(MARKED_MS);
    expect(device.acksOf("a")).toEqual(["delivered"]);
    expect(device.outcomes).toEqual([
      { id: "a", attempt: 1, name: "gpio.read", state: "succeeded", result: { level: 1 }, durationMs: 0 },
    ]);
    expect(device.process?.service.openCommands()).toEqual([]);
    expect(await device.disk.unfinished()).toEqual([]);
  });

  it("is journaled as running before its effect, then with its outcome, then as handed over", async () => {
    const seen: string[] = [];
    const device = await deviceWith({
      run: async (_name, _params, context) => {
        const entry = await device.disk.get(context.id, context.attempt);
        seen.push(`effect while ${entry?.state.kind}, acks ${device.acksOf("a").join()}`);
        return SUCCESS;
      },
    });
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    expect(seen).toEqual(["effect while running, acks delivered"]);
    expect(device.outcomes).toHaveLength(1);
    expect(device.writes).toBe(WRITES_TO_OUTCOME);
    await device.time.advance(MARKED_MS);
    expect(device.writes).toBe(WRITES_TO_OUTCOME + 1);
  });

  it("is first journaled as delivered when its lane is busy", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    device.deliver(device.signedCommand({ id: "b" }));
    await device.time.advance(0);
    expect(started.map(({ id }) => id)).toEqual(["a"]);
    expect((await device.disk.get("a", 1))?.state.kind).toBe("running");
    expect((await device.disk.get("b", 1))?.state.kind).toBe("delivered");
    expect(device.acksOf("b")).toEqual(["delivered"]);
  });

  it("reports progress while running and is listed as open for the hello", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    device.deliver(device.signedCommand({ id: "b" }));
    await device.time.advance(0);
    started[0]?.context.progress("half way", 50.4);
    expect(device.sentOf("command-progress")).toEqual([
      { t: "command-progress", id: "a", attempt: 1, state: "running", step: "half way", percent: 50 },
    ]);
    expect(device.process?.service.openCommands()).toEqual([
      { id: "a", attempt: 1, state: "running" },
      { id: "b", attempt: 1, state: "delivered" },
    ]);
  });

  it("fails when its executor throws, and the service continues", async () => {
    const device = await deviceWith({
      run: (_name, _params, { id }) => (id === "a" ? Promise.reject(new Error("boom")) : Promise.resolve(SUCCESS)),
    });
    device.deliver(device.signedCommand({ id: "a" }));
    device.deliver(device.signedCommand({ id: "b" }));
    await device.time.advance(0);
    expect(device.outcomeOf("a")).toMatchObject({
      state: "failed",
      error: { code: "command.crashed", message: "the command crashed: boom" },
    });
    expect(device.outcomeOf("b")?.state).toBe("succeeded");
  });
});

describe("refused commands", () => {
  it("answers a bad signature with an error, counts it, and journals nothing", async () => {
    const device = await deviceWith();
    device.deliver({ ...device.signedCommand({ id: "a" }), signature: "forged" });
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["signature.invalid"]);
    expect(device.process?.service.counters().unauthorized).toBe(1);
    expect(await device.disk.recent(10)).toEqual([]);
  });

  it("refuses another device's command", async () => {
    const device = await deviceWith();
    device.deliver(device.signedCommand({ device: DEVICE_ID.replace("0", "1") }));
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["command.other-device"]);
    expect(await device.disk.recent(10)).toEqual([]);
  });

  it.each([
    ["not JSON", "nonsense"],
    ["no object", "[]"],
    ["a field missing", JSON.stringify({ device: DEVICE_ID, id: "a" })],
    ["nested without end", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
    [
      "a bad id",
      JSON.stringify({
        device: DEVICE_ID,
        id: "a b",
        attempt: 1,
        number: 1,
        name: "reboot",
        params: {},
        issuedMs: 0,
        notAfterMs: START_MS,
      }),
    ],
  ])("refuses a signed payload that is %s", async (_what, payload) => {
    const device = await deviceWith();
    device.deliver({ ...device.signedCommand(), payload });
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["command.malformed"]);
    expect(device.process?.service.counters().malformed).toBe(1);
  });

  it("permanently rejects a command it cannot carry out, with a clear error", async () => {
    const device = new TestDevice(() => ({}));
    await device.start();
    device.deliver(device.signedCommand({ id: "unknown", name: "fly" }));
    device.deliver(device.signedCommand({ id: "prototype", name: "toString" }));
    device.deliver(device.signedCommand({ id: "params", name: "gpio.read", params: { line: 17, extra: 1 } }));
    device.deliver(device.signedCommand({ id: "ttl", name: "gpio.read", ttlMs: 2 * 3_600_000 }));
    device.deliver(device.signedCommand({ id: "hardware", name: "gpio.read" }));
    await device.time.advance(0);
    expect(device.outcomes.map(({ id, state, error }) => [id, state, error?.code])).toEqual([
      ["unknown", "rejected", "command.unknown"],
      ["prototype", "rejected", "command.unknown"],
      ["params", "rejected", "command.params-invalid"],
      ["ttl", "rejected", "command.ttl-too-long"],
      ["hardware", "rejected", "command.unsupported"],
    ]);
    expect(device.outcomeOf("hardware")?.error?.message).toContain("it has no gpio");
    expect(device.acksOf("unknown")).toEqual(["rejected"]);
  });

  it("refuses commands with an error at the limits of inbox, lane and journal", async () => {
    const { executor } = heldExecutor();
    const device = await deviceWith(executor);
    for (let i = 0; i < 300; i += 1) device.deliver(device.signedCommand({ id: `burst-${i}` }));
    expect(device.errorCodes()).toEqual(Array.from({ length: 44 }, () => "command.busy"));
    await device.time.advance(0);
    const rejected = device.outcomes.filter(({ error }) => error?.code === "command.lane-full");
    expect(rejected).toHaveLength(256 - 1 - 32);
  });
});

describe("a failing disk or outbox", () => {
  it("refuses a command that cannot be journaled, with an error", async () => {
    let effects = 0;
    const device = await deviceWith({ run: () => ((effects += 1), Promise.resolve(SUCCESS)) });
    const signed = device.signedCommand({ id: "a" });
    device.diskError = { code: "storage.full", message: "no space left" };
    device.deliver(signed);
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["command.not-journaled"]);
    expect(effects).toBe(0);
    device.diskError = undefined;
    device.deliver(signed);
    await device.time.advance(0);
    expect(effects).toBe(1);
    expect(device.outcomes).toHaveLength(1);
  });

  it("refuses commands and cancels while the journal cannot be read, and accepts them afterwards", async () => {
    let effects = 0;
    const device = await deviceWith({ run: () => ((effects += 1), Promise.resolve(SUCCESS)) });
    const signed = device.signedCommand({ id: "a" });
    device.readError = { code: "storage.io", message: "input/output error" };
    device.deliver(signed);
    device.process?.service.cancel(device.signedCancel("b"));
    await device.time.advance(0);
    expect(device.errorCodes()).toEqual(["command.not-journaled", "command.not-journaled"]);
    expect(device.process?.service.counters()).toMatchObject({ notTaken: 2, accepted: 0 });
    device.readError = undefined;
    device.deliver(signed);
    await device.time.advance(0);
    expect(effects).toBe(1);
    expect(device.outcomeOf("a")?.state).toBe("succeeded");
  });

  it("ends with an error when the journal cannot be read at start, so that the supervisor retries", async () => {
    const device = await deviceWith();
    await device.stop();
    device.readError = { code: "storage.io", message: "input/output error" };
    const { done } = await device.start();
    await expect(done).rejects.toThrow("the journal cannot be read: input/output error");
  });

  it("does not start the effect before the command is journaled as running", async () => {
    const { executor, started } = heldExecutor();
    const device = await deviceWith(executor);
    device.deliver(device.signedCommand({ id: "a" }));
    device.deliver(device.signedCommand({ id: "b", ttlMs: 60_000 }));
    await device.time.advance(0);
    started[0]?.end(SUCCESS);
    device.diskError = { code: "storage.io", message: "input/output error" };
    await device.time.advance(10_000);
    expect(started).toHaveLength(1);
    expect(device.outcomes).toEqual([]);
    device.diskError = undefined;
    await device.time.advance(30_000);
    expect(started.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(device.outcomeOf("a")?.state).toBe("succeeded");
  });

  it("does not start an effect whose intent note could not be journaled", async () => {
    let effects = 0;
    const device = await deviceWith({
      run: async (_name, _params, context) => {
        device.diskError = { code: "storage.full", message: "no space left" };
        try {
          await context.intend({ about: "to act" });
        } finally {
          device.diskError = undefined;
        }
        effects += 1;
        return SUCCESS;
      },
    });
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(0);
    expect(effects).toBe(0);
    expect(device.outcomeOf("a")).toMatchObject({ state: "failed", error: { code: "command.not-journaled" } });
  });

  it("hands an outcome over exactly once when the outbox accepts records again", async () => {
    const device = await deviceWith();
    device.sinkError = fail("outbox.full", "no room");
    device.deliver(device.signedCommand({ id: "a" }));
    await device.time.advance(10_000);
    expect(device.outcomes).toEqual([]);
    device.sinkError = undefined;
    await device.time.advance(60_000);
    expect(device.outcomes).toHaveLength(1);
    expect(await device.disk.unfinished()).toEqual([]);
  });
});
