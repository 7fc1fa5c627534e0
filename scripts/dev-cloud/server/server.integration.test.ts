import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { silentLog } from "../../../platform/ports/log.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../platform/runtime/json.ts";
import { startDevCloud, type DevCloud } from "../dev-cloud.ts";
import { ApiClient, type ApiAnswer } from "../testing/api-client.ts";
import { scratch } from "../testing/cloud-process.ts";
import { TestDevice } from "../testing/test-device.ts";

const folder = scratch();
let running: DevCloud;
let api: ApiClient;

beforeAll(async () => {
  const sample = join(folder.path, "sample");
  mkdirSync(join(sample, "media"), { recursive: true });
  mkdirSync(join(folder.path, "dashboard"));
  writeFileSync(join(sample, "index.html"), "<p>menu</p>");
  writeFileSync(join(sample, "media", "film.mp4"), "0123456789");
  writeFileSync(join(sample, ".secret"), "x");
  writeFileSync(`${sample}.zip`, "zip bytes");
  writeFileSync(join(folder.path, "dashboard", "index.html"), "<p>dashboard</p>");
  writeFileSync(join(folder.path, "outside.txt"), "not for others");
  running = await startDevCloud(
    {
      port: 0, host: "127.0.0.1", data: join(folder.path, "data"), autoClaim: false, claimTokens: [], survives: "power-cut", sample, dashboard: join(folder.path, "dashboard"),
      devicesDir: join(folder.path, "devices"),
    },
    silentLog,
    "test",
  );
  api = new ApiClient(running.base);
});

afterAll(async () => {
  await running.stop();
  folder.remove();
});

function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  let at: Json | undefined = value;
  for (const key of path) at = isJsonObject(at) ? at[key] : undefined;
  if (!isJsonObject(at)) throw new Error(`nothing at ${path.join(".")} of ${JSON.stringify(value)}`);
  return at;
}

/** A text or number of an answer, as text. */
function textOf(value: Json | undefined): string {
  if (typeof value !== "string" && typeof value !== "number") throw new Error(`neither text nor number: ${JSON.stringify(value)}`);
  return `${value}`;
}

function codeOf(answer: ApiAnswer): string {
  return `${answer.status} ${textOf(objectAt(answer.body, "error")["code"])}`;
}

/** A device that is connected and claimed through the API. */
async function claimed(): Promise<{ device: TestDevice; ownerKey: string }> {
  const device = await TestDevice.create();
  await device.join(running.base);
  const { code } = await device.expectType("pairing");
  const answer = await api.post("/claim", { code });
  expect(answer.status).toBe(200);
  const { owner } = await device.expectType("owner");
  if (owner.kind !== "claimed") throw new Error("not claimed");
  return { device, ownerKey: owner.commandKey };
}

describe("devices over the API", () => {
  test("from first hello through claim, name, command and history to release", async () => {
    const feed = await api.events();
    await feed.next("hello");
    const { device, ownerKey } = await claimed();
    await feed.next("device", (data) => objectAt(data, "device")["id"] === device.id && objectAt(data, "device")["claimed"] === true);
    expect((await api.send("PATCH", `/devices/${device.id}`, { name: "Lobby" })).body).toMatchObject({ device: { name: "Lobby", link: { state: "online" } } });
    const desired = await device.expectType("desired");
    expect(JSON.parse(desired.signed.payload)).toMatchObject({ version: 1, document: { content: { kind: "package", url: `${running.base}/sample.zip`, bytes: 9 } } });

    const sent = await api.post(`/devices/${device.id}/commands`, { name: "display.power", params: { on: false } });
    expect(sent).toMatchObject({ status: 202, body: { command: { state: "sent", final: false, number: 1 } } });
    const command = await device.expectCommand(ownerKey);
    device.succeed(command, { power: "standby" });
    const done = await feed.next("command", (data) => objectAt(data, "command")["final"] === true);
    expect(done).toMatchObject({ command: { id: command.id, state: "succeeded", result: { power: "standby" }, stages: [{ state: "queued" }, { state: "sent" }, { state: "delivered" }, { state: "running" }, { state: "succeeded" }] } });
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

  test("reported state, profile, alarms and telemetry are seen", async () => {
    const { device } = await claimed();
    device.send({ t: "profile", hash: "1".repeat(64), capabilities: ["player"], commands: ["identify"], choices: {}, inventory: {}, evidence: ["because"] });
    device.send({ t: "reported", version: 1, document: { agent: { version: "1", adapter: "simulated", startedMs: 1 }, screen: { verdict: "showing", confidence: 0.9, sinceMs: 5, evidence: [] } } });
    expect((await device.expectType("reported-ack")).version).toBe(1);
    device.sendRecords("alarm", [{ kind: "alarm", body: { code: "disk.full", state: "raised", severity: "error", message: "full" } }]);
    const now = Date.now();
    const rollup = (mean: number): JsonObject => ({ min: mean - 1, mean, max: mean + 1, last: mean, count: 2 });
    device.resend("metric", [now - 3_000, now - 2_000, now - 1_000].map((wall, at) => ({ seq: at + 1, kind: "telemetry", wall, mono: at, body: { intervalMs: 1_000, metrics: { "cpu.percent": rollup(at + 1) } } })));
    await device.storedUpTo("metric", 3);
    const { body } = await api.get(`/devices/${device.id}`);
    expect(body).toMatchObject({
      device: {
        adapter: "simulated", verdict: { verdict: "showing", confidence: 0.9 }, alarms: [{ code: "disk.full", severity: "error" }], profile: { evidence: ["because"] },
        streams: [{ stored: { alarm: 1, metric: 3 } }], reported: { version: 1 }, desired: { version: 1, applied: 0 },
      },
    });
    expect((await api.get(`/devices/${device.id}/telemetry/metrics`)).body).toEqual({ metrics: [{ name: "cpu.percent", last: 3, lastMs: now - 1_000 }] });
    const series = await api.get(`/devices/${device.id}/telemetry?metrics=cpu.percent,none&fromMs=${now - 4_000}&toMs=${now}&buckets=1`);
    expect(series.body).toMatchObject({ bucketMs: 4_000, series: { "cpu.percent": [[now - 4_000, 0, 2, 4, 3, 6]], none: [] } });
    expect(codeOf(await api.get(`/devices/${device.id}/telemetry?metrics=`))).toBe("400 request.bad-query");
    await device.leave();
  });

  test("the records feed pages both ways", async () => {
    const { device } = await claimed();
    device.sendEvents("a", "b", "c", "d", "e");
    await device.storedUpTo("event", 5);
    const names = (answer: ApiAnswer): Json[] => (answer.body["records"] as readonly JsonObject[]).map((record) => objectAt(record, "body")["name"] ?? null);
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
    expect((await api.get(`/devices/${device.id}/records?after=${textOf(rest.body["next"])}`)).body).toEqual({ records: [], next: rest.body["next"] });
    expect(codeOf(await api.get(`/devices/${device.id}/records?stream=gossip`))).toBe("400 request.bad-query");
    await device.leave();
  });

  test("desired state: put, patch, conflict, mistakes", async () => {
    const { device } = await claimed();
    expect((await api.put(`/devices/${device.id}/desired`, { document: { display: { brightness: 40 } } })).body).toMatchObject({ version: 2, document: { display: { brightness: 40 } }, report: null });
    expect((await api.send("PATCH", `/devices/${device.id}/desired`, { patch: { display: { brightness: null, mute: true } }, ifVersion: 2 })).body).toMatchObject({ version: 3, document: { display: { mute: true } } });
    const conflict = await api.send("PATCH", `/devices/${device.id}/desired`, { patch: {}, ifVersion: 2 });
    expect([codeOf(conflict), conflict.body["current"]]).toEqual(["409 desired.version-conflict", { version: 3, document: { display: { mute: true } } }]);
    expect(codeOf(await api.put(`/devices/${device.id}/desired`, { document: { dispaly: {} } }))).toBe("400 desired.invalid");
    expect(objectAt((await api.put(`/devices/${device.id}/desired`, { document: { display: { brightness: 101 } } })).body, "error")["message"]).toContain("display.brightness");
    await device.leave();
  });

  test("commands: mistakes are named, cancel and retry work", async () => {
    const { device, ownerKey } = await claimed();
    const path = `/devices/${device.id}/commands`;
    expect(codeOf(await api.post(path, { name: "fly" }))).toBe("400 command.unknown");
    expect(codeOf(await api.post(path, { name: "display.power", params: { on: 1 } }))).toBe("400 command.params-invalid");
    expect(codeOf(await api.post(path, { params: {} }))).toBe("400 request.malformed");
    expect((await api.post(path, { name: "identify", id: "twice" })).status).toBe(202);
    expect(codeOf(await api.post(path, { name: "identify", id: "twice" }))).toBe("409 command.exists");
    const command = await device.expectCommand(ownerKey);
    expect((await api.post(`${path}/twice/cancel`)).body).toMatchObject({ command: { state: "sent", cancelRequestedMs: expect.any(Number) as unknown } });
    expect((await device.expectType("cancel")).signed.payload).toContain('"twice"');
    device.sendOutcome({ id: command.id, attempt: 1, name: command.name, state: "canceled", error: { code: "command.canceled", message: "as asked" } });
    await device.storedUpTo("outcome", 1);
    expect(codeOf(await api.post(`${path}/twice/cancel`))).toBe("409 command.final");
    expect((await api.post(`${path}/twice/retry`)).body).toMatchObject({ command: { id: "twice", attempt: 2, attempts: 2 } });
    expect((await api.get(`${path}/twice?attempt=1`)).body).toMatchObject({ command: { state: "canceled", attempts: 2 } });
    expect((await api.get(`${path}?state=open`)).body).toMatchObject({ commands: [{ attempt: 2 }] });
    expect(codeOf(await api.get(`${path}/none`))).toBe("404 command.unknown-id");
    await device.leave();
  });

  test("the catalog has a form for every command", async () => {
    const { body } = await api.get("/commands/catalog");
    const power = (body["commands"] as readonly JsonObject[]).find((command) => command["name"] === "display.power");
    expect(power).toMatchObject({ lane: "display", needs: "display.power", idempotent: true, params: { type: "object", properties: { on: { type: "boolean" } }, required: ["on"], additionalProperties: false } });
    expect((await api.get("/schema/desired")).body).toMatchObject({ type: "object", properties: { display: { type: "object" } } });
  });

  test("limits, fetch, goaway and disconnect reach the device", async () => {
    const { device } = await claimed();
    expect((await api.put(`/devices/${device.id}/limits`, { windowRecords: 7 })).body).toMatchObject({ limits: { windowRecords: 7 } });
    expect((await device.expectType("limits")).limits.windowRecords).toBe(7);
    await api.post(`/devices/${device.id}/fetch`, { wants: ["profile"] });
    expect((await device.expectType("fetch")).wants).toEqual(["profile"]);
    await api.post(`/devices/${device.id}/goaway`, { reason: "maintenance", retryAfterMs: 100, endpoint: "ws://127.0.0.1:1/device/v1" });
    expect(await device.expectType("goaway")).toMatchObject({ reason: "maintenance", retryAfterMs: 100, endpoint: "ws://127.0.0.1:1/device/v1" });
    expect(await device.closed()).toBe(1000);
    expect((await device.join(running.base)).limits.windowRecords).toBe(7);
    await api.post(`/devices/${device.id}/disconnect`);
    expect(await device.closed()).toBe(1006);
    expect(codeOf(await api.post(`/devices/${device.id}/disconnect`))).toBe("409 device.offline");
  });

  test("misbehaviours are listed, set, refused when wrong", async () => {
    const { device } = await claimed();
    const listed = await api.get(`/devices/${device.id}/misbehaviours`);
    expect(listed.body).toMatchObject({ active: {}, available: expect.arrayContaining([expect.objectContaining({ name: "neverAck" })]) as unknown });
    expect((await api.put(`/devices/${device.id}/misbehaviours`, { active: { neverAck: true } })).body).toEqual({ active: { neverAck: true } });
    expect(codeOf(await api.put(`/devices/${device.id}/misbehaviours`, { active: { beNice: true } }))).toBe("400 misbehaviour.invalid");
    expect((await api.post(`/devices/${device.id}/misbehave`, { do: "unknown-type" })).status).toBe(202);
    expect(codeOf(await api.post(`/devices/${device.id}/misbehave`, { do: "replayed-command" }))).toBe("409 misbehave.nothing-to-replay");
    await device.leave();
  });
});

describe("uploads", () => {
  async function granted(device: TestDevice, content: Buffer, purpose: "logs" | "screenshot" = "logs", contentType = "text/html"): Promise<string> {
    const sha256 = createHash("sha256").update(content).digest("hex");
    device.send({ t: "upload-request", id: `u-${randomBytes(4).toString("hex")}`, purpose, contentType, bytes: content.length, sha256 });
    return (await device.expectType("upload-grant")).url;
  }
  const put = (url: string, body: Buffer, range?: string): Promise<Response> => fetch(url, { method: "PUT", body: new Uint8Array(body), headers: range === undefined ? {} : { "content-range": range } });
  const offset = async (url: string): Promise<string | null> => (await fetch(url, { method: "HEAD" })).headers.get("upload-offset");

  test("goes on where it broke off, is checked by its hash, and is downloaded, never shown", async () => {
    const { device } = await claimed();
    const content = randomBytes(100_000);
    const url = await granted(device, content);
    expect(await offset(url)).toBe("0");
    expect((await put(url, content.subarray(0, 40_000), "bytes 0-39999/100000")).status).toBe(202);
    expect(await offset(url)).toBe("40000");
    expect((await put(url, content.subarray(50_000), "bytes 50000-99999/100000")).status).toBe(416);
    expect((await put(url, content.subarray(30_000), "bytes 30000-99999/100000")).status).toBe(201);
    expect((await put(url, content)).status).toBe(200);
    const { body } = await api.get(`/devices/${device.id}/uploads`);
    expect(body).toMatchObject({ uploads: [{ state: "complete", bytes: 100_000, purpose: "logs" }] });
    const file = await fetch(running.base + textOf((body["uploads"] as readonly JsonObject[])[0]?.["url"]));
    expect(file.headers.get("content-disposition")).toMatch(/^attachment/);
    expect(file.headers.get("content-type")).toBe("application/octet-stream");
    expect(Buffer.from(await file.arrayBuffer()).equals(content)).toBe(true);
    await device.leave();
  });

  test("bytes with another hash are dropped and may come again", async () => {
    const { device } = await claimed();
    const content = randomBytes(1_000);
    const url = await granted(device, content, "screenshot", "image/png");
    expect((await put(url, randomBytes(1_000))).status).toBe(422);
    expect(await offset(url)).toBe("0");
    expect(codeOf(await api.get(`/devices/${device.id}/screenshot`))).toBe("404 screenshot.none");
    expect((await put(url, content)).status).toBe(201);
    const picture = await fetch(`${running.base}/api/v1/devices/${device.id}/screenshot`);
    expect([picture.status, picture.headers.get("content-type")]).toEqual([200, "image/png"]);
    const again = await fetch(`${running.base}/api/v1/devices/${device.id}/screenshot`, { headers: { "if-none-match": picture.headers.get("etag") ?? "" } });
    expect(again.status).toBe(304);
    await device.leave();
  });

  test("more than announced, wrong ranges and guessed addresses are refused", async () => {
    const { device } = await claimed();
    const content = randomBytes(1_000);
    const url = await granted(device, content);
    expect((await put(url, randomBytes(1_001))).status).toBe(416);
    for (const range of ["bytes 0-999/999", "bytes 5-4/1000", "bytes 0-1000/1000", "lines 1-2"]) expect((await put(url, content, range)).status).toBe(416);
    expect((await put(`${running.base}/upload/${"A".repeat(32)}`, content)).status).toBe(404);
    await device.leave();
  });
});

describe("live pictures", () => {
  test("are asked for by a signed, internal command only while somebody looks", async () => {
    const { device, ownerKey } = await claimed();
    device.send({ t: "profile", hash: "1".repeat(64), capabilities: [], commands: ["screenshot"], choices: {}, inventory: {}, evidence: [] });
    const feed = await api.events(`?screens=${device.id}&types=command`);
    const command = await device.expectCommand(ownerKey);
    expect(command).toMatchObject({ name: "screenshot", params: { format: "jpeg", widthMax: 640 } });
    expect(await feed.next("command")).toMatchObject({ command: { internal: true, name: "screenshot" } });
    device.succeed(command);
    await device.storedUpTo("outcome", 1);
    expect((await api.get(`/devices/${device.id}/commands`)).body).toMatchObject({ commands: [] });
    expect((await api.get(`/devices/${device.id}/commands?internal=1`)).body).toMatchObject({ commands: [{ id: command.id, internal: true }] });
    expect((await api.get(`/devices/${device.id}/records?stream=outcome`)).body).toMatchObject({ records: [] });
    feed.close();
    await device.leave();
  });
});

describe("simulated hardware", () => {
  test("is found by its socket and passed on to", async () => {
    const { device } = await claimed();
    expect(codeOf(await api.get(`/devices/${device.id}/simulated`))).toBe("501 simulated.unavailable");
    const run = join(folder.path, "devices", "1", "run");
    mkdirSync(run, { recursive: true });
    const asked: JsonObject[] = [];
    const socket = createServer((connection) => {
      connection.on("data", (chunk: Buffer) => {
        const request = JSON.parse(chunk.toString()) as JsonObject;
        asked.push(request);
        const results: Record<string, Json> = { status: { deviceId: device.id }, "simulated.actions": [{ name: "gpio.press" }], "simulated.state": { hdmi: true }, "simulated.apply": { done: true } };
        const bad = objectAt(request, "params")["action"] === "wrong";
        const answer = bad ? { id: request["id"] ?? 0, error: { code: "simulated.unknown-action", message: "no such action" } } : { id: request["id"] ?? 0, result: results[textOf(request["method"])] ?? null };
        connection.write(`${JSON.stringify({ event: "noise" })}\n${JSON.stringify(answer)}\n`);
      });
    });
    await new Promise<void>((resolve) => socket.listen(join(run, "agent.sock"), resolve));
    await expect.poll(async () => (await api.get(`/devices/${device.id}/simulated`)).body, { timeout: 10_000, interval: 500 }).toEqual({ actions: [{ name: "gpio.press" }], state: { hdmi: true } });
    const applied = await api.post(`/devices/${device.id}/simulated`, { action: "gpio.press", params: { line: "GPIO17" } });
    expect(applied.body).toEqual({ result: { done: true }, state: { hdmi: true } });
    expect(asked.find((request) => request["method"] === "simulated.apply")?.["params"]).toEqual({ action: "gpio.press", params: { line: "GPIO17" } });
    expect(codeOf(await api.post(`/devices/${device.id}/simulated`, { action: "wrong" }))).toBe("400 simulated.unknown-action");
    await new Promise((resolve) => socket.close(resolve));
    await device.leave();
  });
});

describe("the HTTP server's doors", () => {
  function raw(options: { method?: string; path: string; headers: Record<string, string>; body?: string }): Promise<{ status: number; body: string }> {
    const { port } = new URL(running.base);
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host: "127.0.0.1", port, method: options.method ?? "GET", path: options.path, headers: options.headers }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      });
      request.on("error", reject);
      request.end(options.body);
    });
  }

  test("another Host name gets nothing, whatever it asks for", async () => {
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::2]"]) {
      const answer = await raw({ path: "/api/v1/devices", headers: { host } });
      expect([host, answer.status]).toEqual([host, 403]);
    }
    expect((await raw({ path: "/api/v1/devices", headers: { host: "localhost:1" } })).status).toBe(200);
  });

  test("a page of another origin may not write, our own and the command line may", async () => {
    const host = new URL(running.base).host;
    const write = (headers: Record<string, string>): Promise<{ status: number; body: string }> =>
      raw({ method: "POST", path: "/api/v1/claim", headers: { host, "content-type": "application/json", ...headers }, body: '{"code":"AAAAAA"}' });
    expect((await write({ origin: "http://evil.example" })).status).toBe(403);
    expect((await write({ origin: "null" })).status).toBe(403);
    expect((await write({ origin: `http://${host}` })).status).toBe(404);
    expect((await write({})).status).toBe(404);
    expect((await write({ "content-type": "text/plain" })).status).toBe(415);
  });

  test("a page cannot pose as a device", async () => {
    const socket = new WebSocket(`${running.base.replace(/^http/, "ws")}/device/v1`, { origin: "http://evil.example" });
    const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
    expect(error.message).toContain("403");
  });

  test("bodies that are too large or no JSON, unknown paths, wrong methods, bad escapes", async () => {
    const large = await raw({ method: "POST", path: "/api/v1/claim", headers: { host: "localhost", "content-type": "application/json" }, body: `"${"x".repeat(300_000)}"` });
    expect(large.status).toBe(413);
    expect((await raw({ method: "POST", path: "/api/v1/claim", headers: { host: "localhost", "content-type": "application/json" }, body: "{" })).status).toBe(400);
    expect(codeOf(await api.get("/nothing"))).toBe("404 request.no-such-path");
    const method = await api.send("PUT", "/devices", {});
    expect([codeOf(method), method.headers.get("allow")]).toEqual(["405 request.method", "GET"]);
    expect((await raw({ path: "/api/v1/devices/%E0%A4%A", headers: { host: "localhost" } })).status).toBe(404);
    expect((await raw({ path: "/api/v1/devices/__proto__", headers: { host: "localhost" } })).status).toBe(404);
  });

  test("the sample and the dashboard are served, with ranges, and nothing beside them", async () => {
    const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(running.base + path, { headers });
    expect(await (await get("/sample/")).text()).toBe("<p>menu</p>");
    const part = await get("/sample/media/film.mp4", { range: "bytes=2-4" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 2-4/10", "234"]);
    expect(await (await get("/sample/media/film.mp4", { range: "bytes=-3" })).text()).toBe("789");
    expect((await get("/sample/media/film.mp4", { range: "bytes=10-" })).status).toBe(416);
    for (const path of ["/sample/.secret", "/sample/%2e%2e/outside.txt", "/sample/..%2foutside.txt", "/sample/..%5coutside.txt", "/%00", "/../outside.txt"]) {
      expect([path, (await raw({ path, headers: { host: "localhost" } })).body.includes("not for others")]).toEqual([path, false]);
    }
    expect(await (await get("/")).text()).toBe("<p>dashboard</p>");
    expect(await (await get("/claim?code=AAAAAA")).text()).toBe("<p>dashboard</p>");
    expect((await get("/missing.js")).status).toBe(404);
    const info = (await api.get("/info")).body;
    expect(info).toMatchObject({ sample: { package: { sha256: createHash("sha256").update("zip bytes").digest("hex"), bytes: 9 } }, protocol: 1 });
    expect(await (await get("/sample.zip")).text()).toBe("zip bytes");
  });
});
