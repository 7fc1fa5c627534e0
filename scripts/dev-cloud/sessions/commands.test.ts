import { describe, expect, test } from "vitest";
import { signedBytes } from "../../../agent/protocol/signed.ts";
import { nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { fromBase64Url } from "../../../platform/runtime/encoding.ts";
import type { Json } from "../../../platform/runtime/json.ts";
import { CloudBench, type BenchDevice } from "../testing/cloud-bench.ts";
import type { CommandRow, DeviceRow } from "./cloud-store.ts";
import type { CommandRequest } from "./commands.ts";

async function claimed(): Promise<{ bench: CloudBench; device: BenchDevice }> {
  const bench = await CloudBench.create({ limits: { pingIntervalMs: 300_000 } });
  return { bench, device: await bench.claimed() };
}

function rowOf(bench: CloudBench, device: BenchDevice): DeviceRow {
  const row = bench.store.device(device.id);
  if (row === undefined) throw new Error("no such device");
  return row;
}

function send(bench: CloudBench, device: BenchDevice, request: Partial<CommandRequest> = {}): CommandRow {
  const made = bench.cloud.commands.create(rowOf(bench, device), { name: "identify", params: {}, ...request });
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

function state(bench: CloudBench, device: BenchDevice, { id, attempt }: CommandRow): string | undefined {
  return bench.store.command(device.id, id, attempt)?.state;
}

describe("a command", () => {
  test("is signed by the owner, bound to the device, numbered, and tracked through its stages", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device, { name: "display.power", params: { on: false }, ttlMs: 60_000 });
    await bench.settle();
    const { signed } = device.take("command");
    const key = fromBase64Url(bench.signer.current().publicKey) ?? new Uint8Array();
    expect(
      await nodeCrypto.verifyEd25519(
        key,
        signedBytes("command", signed.payload),
        fromBase64Url(signed.signature) ?? new Uint8Array(),
      ),
    ).toBe(true);
    expect(JSON.parse(signed.payload)).toEqual({
      device: device.id,
      id: made.id,
      attempt: 1,
      number: 1,
      name: "display.power",
      params: { on: false },
      issuedMs: made.issuedMs,
      notAfterMs: made.issuedMs + 60_000,
      ttlMs: 60_000,
    });
    const { id } = made;
    device.send({ t: "command-ack", id, attempt: 1, state: "delivered" });
    device.send({ t: "command-progress", id, attempt: 1, state: "running", step: "asking the display", percent: 50 });
    device.records("outcome", [1], () => ({
      kind: "command",
      body: { id, attempt: 1, name: "display.power", state: "succeeded", result: { power: "standby" }, durationMs: 900 },
    }));
    await bench.settle();
    const row = bench.store.command(device.id, id);
    expect(row?.stages.map((stage) => [stage.state, stage.by])).toEqual([
      ["queued", "cloud"],
      ["sent", "cloud"],
      ["delivered", "device"],
      ["running", "device"],
      ["succeeded", "device"],
    ]);
    expect(row).toMatchObject({
      result: { power: "standby" },
      durationMs: 900,
      progress: { step: "asking the display", percent: 50 },
    });
  });

  test("waits for an offline device, goes out lowest number first, and is sent again only while unacknowledged", async () => {
    const { bench, device } = await claimed();
    device.drop();
    await bench.settle();
    const first = send(bench, device);
    const second = send(bench, device);
    expect(state(bench, device, first)).toBe("queued");
    await device.join();
    expect([device.takeCommand().id, device.takeCommand().id]).toEqual([first.id, second.id]);
    device.send({ t: "command-ack", id: first.id, attempt: 1, state: "delivered" });
    await bench.settle();
    await device.join();
    expect(device.takeCommand().id).toBe(second.id);
    expect(device.count("command")).toBe(0);
  });

  test.each<[Partial<CommandRequest>, string]>([
    [{ name: "fly" }, "command.unknown"],
    [{ name: "constructor" }, "command.unknown"],
    [{ name: "display.power", params: {} }, "command.params-invalid"],
    [{ name: "display.power", params: { on: "yes" } }, "command.params-invalid"],
    [{ name: "identify", params: { text: "x", more: 1 } }, "command.params-invalid"],
    [{ name: "identify", ttlMs: 86_400_000 }, "command.ttl-too-long"],
    [{ id: "not an id" }, "request.malformed"],
  ])("%o is refused before anything is signed: %s", async (request, code) => {
    const { bench, device } = await claimed();
    expect(bench.cloud.commands.create(rowOf(bench, device), { name: "identify", params: {}, ...request })).toMatchObject({
      ok: false,
      error: { code },
    });
    expect(rowOf(bench, device).number).toBe(0);
  });

  test("is refused for an unclaimed device, for a used id, and when too many are open", async () => {
    const { bench, device } = await claimed();
    const stranger = await bench.device(9);
    await stranger.join();
    expect(bench.cloud.commands.create(rowOf(bench, stranger), { name: "identify", params: {} })).toMatchObject({
      error: { code: "device.unclaimed" },
    });
    send(bench, device, { id: "mine" });
    expect(bench.cloud.commands.create(rowOf(bench, device), { name: "identify", params: {}, id: "mine" })).toMatchObject({
      error: { code: "command.exists" },
    });
    for (let at = 1; at < 200; at += 1) send(bench, device);
    expect(bench.cloud.commands.create(rowOf(bench, device), { name: "identify", params: {} })).toMatchObject({
      error: { code: "command.too-many" },
    });
  });

  test("expires after its deadline and a grace period if unacknowledged; a later outcome is only a note", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device, { ttlMs: 10_000 });
    await bench.settle();
    const payload = device.takeCommand();
    await bench.time.advance(39_000);
    expect(state(bench, device, made)).toBe("sent");
    await bench.time.advance(2_000);
    expect(state(bench, device, made)).toBe("expired");
    device.outcome(1, payload, "succeeded");
    await bench.settle();
    const row = bench.store.command(device.id, made.id);
    expect(row).toMatchObject({ state: "expired", error: { code: "command.expired" }, notes: [{ state: "succeeded" }] });
    expect(row?.result).toBeUndefined();
  });

  test("expires at its deadline, without a grace period, if it was never sent, and is not sent afterwards", async () => {
    const { bench, device } = await claimed();
    device.drop();
    await bench.settle();
    const made = send(bench, device, { ttlMs: 5_000 });
    await bench.time.advance(5_001);
    expect(state(bench, device, made)).toBe("expired");
    await device.join();
    expect(device.count("command")).toBe(0);
  });

  test("times out if acknowledged but without an outcome, though never while the device is offline", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device, { name: "gpio.read", params: { line: 1 }, ttlMs: 10_000 });
    await bench.settle();
    device.send({ t: "command-ack", id: made.id, attempt: 1, state: "running" });
    await bench.settle();
    device.drop();
    await bench.time.advance(3_600_000);
    expect(state(bench, device, made)).toBe("running");
    await device.join();
    await bench.time.advance(59_000);
    expect(state(bench, device, made)).toBe("running");
    await bench.time.advance(2_000);
    expect(state(bench, device, made)).toBe("timed-out");
  });

  test("takes the acknowledged final state as outcome if no outcome record follows for a while", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device);
    const other = send(bench, device);
    await bench.settle();
    device.send({ t: "command-ack", id: made.id, attempt: 1, state: "rejected" });
    device.send({ t: "command-ack", id: other.id, attempt: 1, state: "succeeded" });
    await bench.time.advance(20_000);
    expect(state(bench, device, made)).toBe("delivered");
    device.records("outcome", [1], () => ({
      kind: "command",
      body: { id: other.id, attempt: 1, name: "identify", state: "succeeded", result: { shownMs: 5 } },
    }));
    await bench.time.advance(11_000);
    expect(bench.store.command(device.id, made.id)).toMatchObject({
      state: "rejected",
      error: { code: "command.outcome-missing" },
    });
    expect(bench.store.command(device.id, other.id)).toMatchObject({ state: "succeeded", result: { shownMs: 5 } });
  });

  test("a message counts even when the device's connection ends before it is stored", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device);
    device.send({ t: "command-ack", id: made.id, attempt: 1, state: "delivered" });
    device.drop();
    await bench.settle();
    expect(state(bench, device, made)).toBe("delivered");
  });

  test("only the first outcome counts: a different one becomes a note, the same one again is ignored", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device);
    await bench.settle();
    const payload = device.takeCommand();
    device.outcome(1, payload, "succeeded");
    device.outcome(2, payload, "succeeded");
    device.outcome(3, payload, "failed");
    await bench.settle();
    expect(bench.store.command(device.id, made.id)).toMatchObject({ state: "succeeded", notes: [{ state: "failed" }] });
  });

  test("an unsent command is canceled at once, a sent one by a signed cancel after which the device's outcome counts", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device);
    await bench.settle();
    const payload = device.takeCommand();
    expect(bench.cloud.commands.cancel(device.id, made.id)).toMatchObject({
      ok: true,
      value: { state: "sent", cancel: { number: 2 } },
    });
    await bench.settle();
    expect(JSON.parse(device.take("cancel").signed.payload)).toMatchObject({
      device: device.id,
      id: made.id,
      attempt: 1,
      number: 2,
    });
    await device.join();
    expect(device.count("cancel")).toBe(1);
    device.outcome(1, payload, "canceled", { error: { code: "command.canceled", message: "as asked" } });
    await bench.settle();
    expect(state(bench, device, made)).toBe("canceled");
    expect(bench.cloud.commands.cancel(device.id, made.id)).toMatchObject({ error: { code: "command.final" } });
    device.drop();
    await bench.settle();
    const waiting = send(bench, device);
    expect(bench.cloud.commands.cancel(device.id, waiting.id)).toMatchObject({ ok: true, value: { state: "canceled" } });
  });

  test("a retry has the same id, the next attempt and a new number", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device, { params: { text: "here" } });
    await bench.settle();
    expect(bench.cloud.commands.retry(rowOf(bench, device), made.id)).toMatchObject({ error: { code: "command.not-final" } });
    device.outcome(1, device.takeCommand(), "failed", { error: { code: "x.y", message: "no" } });
    await bench.settle();
    expect(bench.cloud.commands.retry(rowOf(bench, device), made.id).ok).toBe(true);
    await bench.settle();
    expect(device.takeCommand()).toMatchObject({ id: made.id, attempt: 2, number: 2, params: { text: "here" } });
  });

  test("outcomes of internal commands are stored and hidden", async () => {
    const { bench, device } = await claimed();
    send(bench, device, { internal: true });
    await bench.settle();
    device.outcome(1, device.takeCommand(), "succeeded");
    await bench.settle();
    expect(bench.store.records({ device: device.id, streams: ["outcome"], limit: 5 })).toEqual([]);
    expect(bench.store.recordCount(device.id, "outcome")).toBe(1);
    expect(bench.store.commands({ device: device.id, limit: 5, internal: false })).toEqual([]);
  });

  test("acknowledgements and progress of unknown commands are ignored", async () => {
    const { bench, device } = await claimed();
    device.send({ t: "command-ack", id: "no", attempt: 1, state: "running" });
    device.send({ t: "command-progress", id: "no", attempt: 1, state: "running" });
    await bench.settle();
    expect(bench.store.commands({ device: device.id, limit: 5, internal: true })).toEqual([]);
    expect(device.count("error")).toBe(0);
  });
});

describe("desired state", () => {
  const put = (bench: CloudBench, device: BenchDevice, document: Json, ifVersion?: number) =>
    bench.cloud.desired.put(rowOf(bench, device), document, ifVersion);

  test("is signed with a rising version, keeps the version of an equal document, and is not sent to a device that has it", async () => {
    const { bench, device } = await claimed();
    expect(put(bench, device, { display: { brightness: 40 } })).toMatchObject({ ok: true, value: { version: 1 } });
    expect(put(bench, device, { display: { brightness: 40 } })).toMatchObject({ ok: true, value: { version: 1 } });
    expect(bench.cloud.desired.patch(rowOf(bench, device), { display: { brightness: null, volume: 3 } })).toMatchObject({
      ok: true,
      value: { version: 2, document: { display: { volume: 3 } } },
    });
    await bench.settle();
    expect(device.count("desired")).toBe(2);
    expect((await device.join({ desiredVersion: 2 })).desiredVersion).toBe(2);
    expect(device.count("desired")).toBe(0);
    await device.join({ desiredVersion: 1 });
    expect(JSON.parse(device.take("desired").signed.payload)).toMatchObject({ version: 2, device: device.id });
  });

  test.each<[Json, string]>([
    [{ display: { brightness: 400 } }, "desired.invalid"],
    [{ displya: {} }, "desired.invalid"],
    [["content"], "desired.invalid"],
    [{ player: { config: { text: "x".repeat(40_000) } } }, "desired.too-large"],
  ])("an invalid document is refused: %#", async (document, code) => {
    const { bench, device } = await claimed();
    expect(put(bench, device, document)).toMatchObject({ ok: false, error: { code } });
    expect(bench.store.document(device.id, "desired")).toBeUndefined();
  });

  test("a write against an old version is a conflict", async () => {
    const { bench, device } = await claimed();
    put(bench, device, { display: { mute: true } }, 0);
    expect(put(bench, device, { display: { mute: false } }, 0)).toMatchObject({ error: { code: "desired.version-conflict" } });
    expect(put(bench, device, { display: { mute: false } }, 1)).toMatchObject({ ok: true });
  });

  test("a cloud restored from an old backup continues above the device's version", async () => {
    const { bench, device } = await claimed();
    put(bench, device, { display: { mute: true } });
    await bench.settle();
    device.take("desired");
    expect((await device.join({ desiredVersion: 7 })).desiredVersion).toBe(1);
    expect(device.count("desired")).toBe(0);
    expect(put(bench, device, { display: { mute: false } })).toMatchObject({ ok: true, value: { version: 8 } });
  });
});

describe("uploads", () => {
  const request = {
    t: "upload-request",
    id: "u1",
    purpose: "screenshot",
    contentType: "image/png",
    bytes: 100,
    sha256: "0".repeat(64),
  } as const;

  test("each request gets one URL, which stays the same after a reconnect, and is linked to its command", async () => {
    const { bench, device } = await claimed();
    const made = send(bench, device, { name: "screenshot", internal: true });
    device.send({ ...request, command: { id: made.id, attempt: 1 } });
    await bench.settle();
    const grant = device.take("upload-grant");
    expect(grant.url).toMatch(/^http:\/\/127\.0\.0\.1:4600\/upload\/[A-Za-z0-9_-]{32}$/);
    expect(grant.name).toMatch(/^screenshot-\d{8}-\d{6}\.png$/);
    await device.join();
    device.send({ ...request, command: { id: made.id, attempt: 1 } });
    await bench.settle();
    expect(device.take("upload-grant").url).toBe(grant.url);
    expect(bench.store.command(device.id, made.id)?.uploads).toEqual([`${device.id}.u1`]);
    expect(bench.store.upload(`${device.id}.u1`)).toMatchObject({ internal: true, state: "waiting" });
  });

  test.each([
    [{ bytes: 500_000_000 }, "upload.too-large"],
    [{ bytes: 2_000_000 }, "upload.full"],
    [{ bytes: 101 }, "upload.changed"],
  ])("refused: %o", async (change, code) => {
    const { bench, device } = await claimed();
    if (code === "upload.changed") device.send(request);
    device.send({ ...request, ...change });
    await bench.settle();
    expect(device.take("upload-refused").code).toBe(code);
  });

  test("an unclaimed device cannot upload, and one with too many open uploads has to wait", async () => {
    const { bench, device } = await claimed();
    const stranger = await bench.device(9);
    await stranger.join();
    stranger.send(request);
    for (let at = 0; at < 17; at += 1) device.send({ ...request, id: `u${at}` });
    await bench.settle();
    expect(stranger.take("upload-refused").code).toBe("upload.unclaimed");
    expect(device.count("upload-grant")).toBe(16);
    expect(device.take("upload-refused").code).toBe("upload.too-many");
  });
});
