import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../../platform/runtime/json.ts";
import type { ApiAnswer, ApiClient } from "../testing/api-client.ts";
import { codeOf, objectAt, RunningCloud, textOf } from "../testing/running-cloud.ts";

let running: RunningCloud;
let api: ApiClient;
beforeAll(async () => {
  running = await RunningCloud.start();
  ({ api } = running);
});
afterAll(() => running.stop());

describe("devices over the API", () => {
  test("a device goes from first hello through claim, rename, command and history to release", async () => {
    const feed = await api.events();
    await feed.next("hello");
    const { device, ownerKey } = await running.claimed();
    await feed.next(
      "device",
      (data) => objectAt(data, "device")["id"] === device.id && objectAt(data, "device")["claimed"] === true,
    );
    expect((await api.send("PATCH", `/devices/${device.id}`, { name: "Lobby" })).body).toMatchObject({
      device: { name: "Lobby", link: { state: "online" } },
    });
    const desired = await device.expectType("desired");
    expect(JSON.parse(desired.signed.payload)).toMatchObject({
      version: 1,
      document: { content: { kind: "package", url: `${running.base}/sample.zip`, bytes: 9 } },
    });

    const sent = await api.post(`/devices/${device.id}/commands`, { name: "display.power", params: { on: false } });
    expect(sent).toMatchObject({ status: 202, body: { command: { state: "sent", final: false, number: 1 } } });
    const command = await device.expectCommand(ownerKey);
    device.succeed(command, { power: "standby" });
    const done = await feed.next("command", (data) => objectAt(data, "command")["final"] === true);
    expect(done).toMatchObject({
      command: {
        id: command.id,
        state: "succeeded",
        result: { power: "standby" },
        stages: [{ state: "queued" }, { state: "sent" }, { state: "delivered" }, { state: "running" }, { state: "succeeded" }],
      },
    });
    expect((await api.get(`/devices/${device.id}/commands`)).body).toMatchObject({ commands: [{ id: command.id }], next: null });
    expect(await feed.next("record")).toMatchObject({ device: device.id, records: [{ stream: "outcome", seq: 1 }] });

    expect((await api.post(`/devices/${device.id}/release`)).status).toBe(200);
    expect((await device.expectType("owner")).release).toBeDefined();
    expect((await device.expectType("pairing")).code).toMatch(/^[A-Z0-9]{6}$/);
    await device.leave();
    await feed.next("device", (data) => objectAt(data, "device", "link")["state"] === "offline");
    expect((await api.send("DELETE", `/devices/${device.id}`)).status).toBe(204);
    expect(codeOf(await api.get(`/devices/${device.id}`))).toBe("404 device.unknown");
    feed.close();
  });

  test("reported state, profile, alarms and telemetry are returned", async () => {
    const { device } = await running.claimed();
    device.send({
      t: "profile",
      hash: "1".repeat(64),
      capabilities: ["player"],
      commands: ["identify"],
      choices: {},
      inventory: {},
      evidence: ["because"],
    });
    device.send({
      t: "reported",
      version: 1,
      document: {
        agent: { version: "1", adapter: "simulated", startedMs: 1 },
        screen: { verdict: "showing", confidence: 0.9, sinceMs: 5, evidence: [] },
      },
    });
    expect((await device.expectType("reported-ack")).version).toBe(1);
    device.sendRecords("alarm", [
      { kind: "alarm", body: { code: "disk.full", state: "raised", severity: "error", message: "full" } },
    ]);
    const now = Date.now();
    const rollup = (mean: number): JsonObject => ({ min: mean - 1, mean, max: mean + 1, last: mean, count: 2 });
    device.resend(
      "metric",
      [now - 3_000, now - 2_000, now - 1_000].map((wall, at) => ({
        seq: at + 1,
        kind: "telemetry",
        wall,
        mono: at,
        body: { intervalMs: 1_000, metrics: { "cpu.percent": rollup(at + 1) } },
      })),
    );
    await device.storedUpTo("metric", 3);
    const { body } = await api.get(`/devices/${device.id}`);
    expect(body).toMatchObject({
      device: {
        adapter: "simulated",
        verdict: { verdict: "showing", confidence: 0.9 },
        alarms: [{ code: "disk.full", severity: "error" }],
        profile: { evidence: ["because"] },
        streams: [{ stored: { alarm: 1, metric: 3 } }],
        reported: { version: 1 },
        desired: { version: 1, applied: 0 },
      },
    });
    expect((await api.get(`/devices/${device.id}/telemetry/metrics`)).body).toEqual({
      metrics: [{ name: "cpu.percent", last: 3, lastMs: now - 1_000 }],
    });
    const series = await api.get(
      `/devices/${device.id}/telemetry?metrics=cpu.percent,none&fromMs=${now - 4_000}&toMs=${now}&buckets=1`,
    );
    expect(series.body).toMatchObject({ bucketMs: 4_000, series: { "cpu.percent": [[now - 4_000, 0, 2, 4, 3, 6]], none: [] } });
    expect(codeOf(await api.get(`/devices/${device.id}/telemetry?metrics=`))).toBe("400 request.bad-query");
    await device.leave();
  });

  test("the records feed pages both ways", async () => {
    const { device } = await running.claimed();
    device.sendEvents("a", "b", "c", "d", "e");
    await device.storedUpTo("event", 5);
    const names = (answer: ApiAnswer): Json[] =>
      (answer.body["records"] as readonly JsonObject[]).map((record) => objectAt(record, "body")["name"] ?? null);
    const first = await api.get(`/devices/${device.id}/records?limit=2`);
    expect(names(first)).toEqual(["e", "d"]);
    const second = await api.get(`/devices/${device.id}/records?limit=2&before=${textOf(first.body["next"])}`);
    expect(names(second)).toEqual(["c", "b"]);
    const last = await api.get(`/devices/${device.id}/records?limit=2&before=${textOf(second.body["next"])}`);
    expect([names(last), last.body["next"]]).toEqual([["a"], null]);
    const up = await api.get(`/devices/${device.id}/records?stream=event&limit=3&after=0`);
    expect(names(up)).toEqual(["a", "b", "c"]);
    const rest = await api.get(`/devices/${device.id}/records?stream=event&after=${textOf(up.body["next"])}`);
    expect(names(rest)).toEqual(["d", "e"]);
    expect((await api.get(`/devices/${device.id}/records?after=${textOf(rest.body["next"])}`)).body).toEqual({
      records: [],
      next: rest.body["next"],
    });
    expect(codeOf(await api.get(`/devices/${device.id}/records?stream=gossip`))).toBe("400 request.bad-query");
    await device.leave();
  });

  test("desired state can be put and patched; conflicts and invalid documents are refused", async () => {
    const { device } = await running.claimed();
    expect((await api.put(`/devices/${device.id}/desired`, { document: { display: { brightness: 40 } } })).body).toMatchObject({
      version: 2,
      document: { display: { brightness: 40 } },
      report: null,
    });
    expect(
      (
        await api.send("PATCH", `/devices/${device.id}/desired`, {
          patch: { display: { brightness: null, mute: true } },
          ifVersion: 2,
        })
      ).body,
    ).toMatchObject({ version: 3, document: { display: { mute: true } } });
    const conflict = await api.send("PATCH", `/devices/${device.id}/desired`, { patch: {}, ifVersion: 2 });
    expect([codeOf(conflict), conflict.body["current"]]).toEqual([
      "409 desired.version-conflict",
      { version: 3, document: { display: { mute: true } } },
    ]);
    expect(codeOf(await api.put(`/devices/${device.id}/desired`, { document: { dispaly: {} } }))).toBe("400 desired.invalid");
    expect(
      objectAt((await api.put(`/devices/${device.id}/desired`, { document: { display: { brightness: 101 } } })).body, "error")[
        "message"
      ],
    ).toContain("display.brightness");
    await device.leave();
  });

  test("commands can be canceled and retried; invalid requests are refused with a code", async () => {
    const { device, ownerKey } = await running.claimed();
    const path = `/devices/${device.id}/commands`;
    expect(codeOf(await api.post(path, { name: "fly" }))).toBe("400 command.unknown");
    expect(codeOf(await api.post(path, { name: "display.power", params: { on: 1 } }))).toBe("400 command.params-invalid");
    expect(codeOf(await api.post(path, { params: {} }))).toBe("400 request.malformed");
    expect((await api.post(path, { name: "identify", id: "twice" })).status).toBe(202);
    expect(codeOf(await api.post(path, { name: "identify", id: "twice" }))).toBe("409 command.exists");
    const command = await device.expectCommand(ownerKey);
    expect((await api.post(`${path}/twice/cancel`)).body).toMatchObject({
      command: { state: "sent", cancelRequestedMs: expect.any(Number) as unknown },
    });
    expect((await device.expectType("cancel")).signed.payload).toContain('"twice"');
    device.sendOutcome({
      id: command.id,
      attempt: 1,
      name: command.name,
      state: "canceled",
      error: { code: "command.canceled", message: "as asked" },
    });
    await device.storedUpTo("outcome", 1);
    expect(codeOf(await api.post(`${path}/twice/cancel`))).toBe("409 command.final");
    expect((await api.post(`${path}/twice/retry`)).body).toMatchObject({ command: { id: "twice", attempt: 2, attempts: 2 } });
    expect((await api.get(`${path}/twice?attempt=1`)).body).toMatchObject({ command: { state: "canceled", attempts: 2 } });
    expect((await api.get(`${path}?state=open`)).body).toMatchObject({ commands: [{ attempt: 2 }] });
    expect(codeOf(await api.get(`${path}/none`))).toBe("404 command.unknown-id");
    await device.leave();
  });

  test("a command that the profile rules out is refused naming the missing capability, but sent with insist", async () => {
    const { device } = await running.claimed();
    const path = `/devices/${device.id}/commands`;
    const before = await api.post(path, { name: "display.power", params: { on: true } });
    expect(before.status).toBe(202);
    device.send({ t: "profile", hash: "0".repeat(64), capabilities: ["audio.volume"], commands: ["identify"], choices: {}, inventory: {}, evidence: [] });
    await expect.poll(async () => (await api.get(`/devices/${device.id}`)).body).toMatchObject({ device: { profile: { commands: ["identify"] } } });
    const refused = await api.post(path, { name: "display.power", params: { on: true } });
    expect(codeOf(refused)).toBe("409 command.not-possible");
    expect(JSON.stringify(refused.body)).toContain("this device has no display.power");
    expect(JSON.stringify((await api.post(path, { name: "audio.volume", params: { percent: 5 } })).body)).toContain("does not have the command");
    expect((await api.post(path, { name: "identify" })).status).toBe(202);
    expect((await api.post(path, { name: "display.power", params: { on: true }, insist: true })).status).toBe(202);
    expect(codeOf(await api.post(path, { name: "no.such" }))).toBe("400 command.unknown");
    await device.leave();
  });

  test("the catalog has JSON Schemas for every command", async () => {
    const { body } = await api.get("/commands/catalog");
    const power = (body["commands"] as readonly JsonObject[]).find((command) => command["name"] === "display.power");
    expect(power).toMatchObject({
      lane: "display",
      needs: "display.power",
      idempotent: true,
      params: { type: "object", properties: { on: { type: "boolean" } }, required: ["on"], additionalProperties: false },
    });
    expect((await api.get("/schema/desired")).body).toMatchObject({
      type: "object",
      properties: { display: { type: "object" } },
    });
  });

  test("limits, fetch, goaway and disconnect reach the device", async () => {
    const { device } = await running.claimed();
    expect((await api.put(`/devices/${device.id}/limits`, { windowRecords: 7 })).body).toMatchObject({
      limits: { windowRecords: 7 },
    });
    expect((await device.expectType("limits")).limits.windowRecords).toBe(7);
    await api.post(`/devices/${device.id}/fetch`, { wants: ["profile"] });
    expect((await device.expectType("fetch")).wants).toEqual(["profile"]);
    await api.post(`/devices/${device.id}/goaway`, {
      reason: "maintenance",
      retryAfterMs: 100,
      endpoint: "ws://127.0.0.1:1/device/v1",
    });
    expect(await device.expectType("goaway")).toMatchObject({
      reason: "maintenance",
      retryAfterMs: 100,
      endpoint: "ws://127.0.0.1:1/device/v1",
    });
    expect(await device.closed()).toBe(1000);
    expect((await device.join(running.base)).limits.windowRecords).toBe(7);
    await api.post(`/devices/${device.id}/disconnect`);
    expect(await device.closed()).toBe(1006);
    expect(codeOf(await api.post(`/devices/${device.id}/disconnect`))).toBe("409 device.offline");
  });

  test("misbehaviours are listed and set, and refused when invalid", async () => {
    const { device } = await running.claimed();
    const listed = await api.get(`/devices/${device.id}/misbehaviours`);
    expect(listed.body).toMatchObject({
      active: {},
      available: expect.arrayContaining([expect.objectContaining({ name: "neverAck" })]) as unknown,
    });
    expect((await api.put(`/devices/${device.id}/misbehaviours`, { active: { neverAck: true } })).body).toEqual({
      active: { neverAck: true },
    });
    expect(codeOf(await api.put(`/devices/${device.id}/misbehaviours`, { active: { beNice: true } }))).toBe(
      "400 misbehaviour.invalid",
    );
    expect((await api.post(`/devices/${device.id}/misbehave`, { do: "unknown-type" })).status).toBe(202);
    expect(codeOf(await api.post(`/devices/${device.id}/misbehave`, { do: "replayed-command" }))).toBe(
      "409 misbehave.nothing-to-replay",
    );
    await device.leave();
  });
});
