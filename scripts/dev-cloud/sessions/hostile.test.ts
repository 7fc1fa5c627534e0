import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CloudBench, type BenchDevice } from "../testing/cloud-bench.ts";
import { MISDEEDS, type Misbehaviour } from "./misbehaviour.ts";
import { misbehave } from "./misdeeds.ts";
import { ERRORS_PER_MINUTE_MAX } from "./session.ts";

async function claimed(): Promise<{ bench: CloudBench; device: BenchDevice }> {
  const bench = await CloudBench.create();
  return { bench, device: await bench.claimed() };
}

describe("hostile devices", () => {
  test("each unusable frame is answered with a code and counted", async () => {
    const { bench, device } = await claimed();
    device.sendText("nonsense");
    device.sendText('{"t":"command"}');
    device.sendText('{"t":"ping"');
    device.sendText(JSON.stringify({ t: "ping", pad: "x".repeat(300_000) }));
    device.sendText('{"t":"command-ack","id":"x"}');
    device.session?.onBinary(10);
    const codes = device.received.filter((message) => message.t === "error").map((message) => message.code);
    expect(codes).toEqual([
      "frame.not-json",
      "message.unknown-type",
      "frame.not-json",
      "frame.too-large",
      "message.malformed",
      "frame.not-text",
    ]);
    expect(bench.cloud.context.live.counters(device.id).malformed).toBe(6);
    expect(bench.cloud.context.live.size).toBe(1);
  });

  test("the frame limit counts bytes, not characters", async () => {
    const { device } = await claimed();
    device.sendText(JSON.stringify({ t: "ping", pad: "€".repeat(100_000) }));
    expect(device.take("error").code).toBe("frame.too-large");
  });

  test("too many unusable frames in a minute end the session, and only the session", async () => {
    const { bench, device } = await claimed();
    for (let at = 0; at <= ERRORS_PER_MINUTE_MAX; at += 1) device.sendText("x");
    await bench.settle();
    expect(device.take("goaway").retryAfterMs).toBe(60_000);
    expect(bench.store.device(device.id)?.link).toMatchObject({ state: "offline", reason: "too-many-errors" });
    expect((await device.connect())?.t).toBe("welcome");
  });

  test("no random frame makes the sessions throw or store anything", async () => {
    const frame = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record(
          {
            t: fc.constantFrom("hello", "records", "reported", "profile", "command-ack", "upload-request", "bye2", "__proto__"),
            records: fc.jsonValue(),
            document: fc.jsonValue(),
            stream: fc.jsonValue(),
            version: fc.jsonValue(),
            seq: fc.jsonValue(),
          },
          { requiredKeys: ["t"] },
        )
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 30 }), async (frames) => {
        const { bench, device } = await claimed();
        for (const text of frames) device.sendText(text);
        await bench.settle();
        expect(bench.cloud.context.counters.commitFailures).toBe(0);
        expect(bench.store.recordCount(device.id, "event")).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test("mutations of valid frames are either valid or refused", async () => {
    const good = JSON.stringify({
      t: "records",
      stream: "event",
      log: "log-1",
      boot: "b",
      clock: "synced",
      records: [{ seq: 1, kind: "page", wall: 5, mono: 5, body: { name: "a" } }],
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.string({ minLength: 0, maxLength: 3 }), async (at, insert) => {
        const { bench, device } = await claimed();
        device.sendText(good.slice(0, at) + insert + good.slice(at + 1));
        await bench.settle();
        const answers = device.count("stored") + device.count("error");
        expect(answers).toBe(1);
        expect(bench.cloud.context.counters.commitFailures).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test("a device that does not read is disconnected before it fills the memory", async () => {
    const { bench, device } = await claimed();
    device.buffered = 9 * 1024 * 1024;
    device.send({ t: "ping" });
    expect(device.closed?.reason).toBe("cut");
    await bench.settle();
  });
});

describe("misbehaviour on demand", () => {
  const set = (bench: CloudBench, device: BenchDevice, misbehaviour: Misbehaviour): void =>
    bench.cloud.context.misbehaviours.set(device.id, misbehaviour);

  test("stores records without acknowledging them", async () => {
    const { bench, device } = await claimed();
    set(bench, device, { neverAck: true });
    device.records("event", [1, 2]);
    await bench.settle();
    expect(device.count("stored")).toBe(0);
    expect(bench.store.recordCount(device.id, "event")).toBe(2);
  });

  test("acknowledges backwards", async () => {
    const { bench, device } = await claimed();
    set(bench, device, { acksGoBack: true });
    const seen: (number | undefined)[] = [];
    for (let seq = 1; seq <= 4; seq += 1) {
      device.records("event", [seq * 20]);
      await bench.settle();
      seen.push(device.take("stored").streams.event);
    }
    expect(seen).toEqual([20, 30, 60, 70]);
  });

  test("sends late but in order", async () => {
    const { bench, device } = await claimed();
    set(bench, device, { slowMs: 1_000 });
    device.send({ t: "ping" });
    set(bench, device, {});
    device.sendText("x");
    await bench.time.advance(999);
    expect(device.received).toEqual([]);
    await bench.time.advance(1);
    expect(device.received.map(({ t }) => t)).toEqual(["pong", "error"]);
  });

  test("drops the connection after a number of frames, goes half-open, sends nonsense", async () => {
    const { bench, device } = await claimed();
    set(bench, device, { dropAfterFrames: 4 });
    await device.join();
    for (let at = 0; at < 4; at += 1) device.send({ t: "ping" });
    expect(device.count("pong")).toBe(3);
    expect(device.closed?.reason).toBe("cut");
    await bench.settle();
    set(bench, device, { halfOpen: true });
    expect(await device.connect()).toBeUndefined();
    expect(device.closed).toBeUndefined();
    set(bench, device, { nonsense: true });
    device.epoch += 10;
    await device.join();
    expect(device.nonsense.length).toBeGreaterThan(0);
  });

  test("refuses, offers another version, claims nothing is stored, lowers the desired version", async () => {
    const { bench, device } = await claimed();
    device.records("event", [1]);
    bench.cloud.desired.put(bench.store.device(device.id) ?? (undefined as never), { display: { mute: true } });
    bench.cloud.desired.put(bench.store.device(device.id) ?? (undefined as never), { display: { mute: false } });
    await bench.settle();
    set(bench, device, { refuse: { code: "refused.busy", retryAfterMs: 7_000 } });
    expect(await device.connect()).toMatchObject({ t: "refused", code: "refused.busy", retryAfterMs: 7_000 });
    bench.cloud.context.misbehaviours.setForNew({ welcomeVersions: [99] });
    device.open();
    expect(device.take("challenge").versions).toEqual([99]);
    bench.cloud.context.misbehaviours.setForNew({});
    set(bench, device, { storedGoesBack: true, desiredGoesBack: true });
    expect(await device.join({ desiredVersion: 2 })).toMatchObject({ stored: { event: 0 }, desiredVersion: 1 });
    expect(JSON.parse(device.take("desired").signed.payload)).toMatchObject({ version: 1 });
  });

  test.each(MISDEEDS)("does wrong once: %s", async (misdeed) => {
    const { bench, device } = await claimed();
    const row = bench.store.device(device.id);
    if (row === undefined) throw new Error("no device");
    bench.cloud.commands.create(row, { name: "identify", params: {} });
    for (const volume of [1, 2]) bench.cloud.desired.put(row, { display: { volume } });
    await bench.settle();
    device.received = [];
    const session = bench.cloud.context.live.get(device.id);
    if (session === undefined) throw new Error("no session");
    expect(await misbehave(bench.cloud.context, session, misdeed)).toEqual({ ok: true, value: undefined });
    await bench.settle();
    expect(device.received.length + device.nonsense.length + device.binary).toBe(1);
  });

  test("a misdeed that has nothing to replay fails with a code", async () => {
    const { bench, device } = await claimed();
    const session = bench.cloud.context.live.get(device.id);
    if (session === undefined) throw new Error("no session");
    for (const misdeed of ["replayed-command", "desired-older"] as const) {
      expect(await misbehave(bench.cloud.context, session, misdeed)).toMatchObject({
        error: { code: "misbehave.nothing-to-replay" },
      });
    }
  });
});
