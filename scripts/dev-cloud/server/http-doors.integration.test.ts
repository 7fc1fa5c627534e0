import { createHash, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Json, JsonObject } from "../../../platform/runtime/json.ts";
import type { ApiClient } from "../testing/api-client.ts";
import { codeOf, objectAt, RunningCloud, textOf } from "../testing/running-cloud.ts";
import type { TestDevice } from "../testing/test-device.ts";

let running: RunningCloud;
let api: ApiClient;
beforeAll(async () => {
  running = await RunningCloud.start();
  ({ api } = running);
});
afterAll(() => running.stop());

describe("uploads", () => {
  async function granted(
    device: TestDevice,
    content: Buffer,
    purpose: "logs" | "screenshot" = "logs",
    contentType = "text/html",
  ): Promise<string> {
    const sha256 = createHash("sha256").update(content).digest("hex");
    device.send({
      t: "upload-request",
      id: `u-${randomBytes(4).toString("hex")}`,
      purpose,
      contentType,
      bytes: content.length,
      sha256,
    });
    return (await device.expectType("upload-grant")).url;
  }
  const put = (url: string, body: Buffer, range?: string): Promise<Response> =>
    fetch(url, { method: "PUT", body: new Uint8Array(body), headers: range === undefined ? {} : { "content-range": range } });
  const offset = async (url: string): Promise<string | null> =>
    (await fetch(url, { method: "HEAD" })).headers.get("upload-offset");

  test("an upload resumes where it broke off, is checked by its hash, and is offered as a download, never displayed", async () => {
    const { device } = await running.claimed();
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

  test("bytes with a wrong hash are discarded and can be sent again", async () => {
    const { device } = await running.claimed();
    const content = randomBytes(1_000);
    const url = await granted(device, content, "screenshot", "image/png");
    expect((await put(url, randomBytes(1_000))).status).toBe(422);
    expect(await offset(url)).toBe("0");
    expect(codeOf(await api.get(`/devices/${device.id}/screenshot`))).toBe("404 screenshot.none");
    expect((await put(url, content)).status).toBe(201);
    const picture = await fetch(`${running.base}/api/v1/devices/${device.id}/screenshot`);
    expect([picture.status, picture.headers.get("content-type")]).toEqual([200, "image/png"]);
    const again = await fetch(`${running.base}/api/v1/devices/${device.id}/screenshot`, {
      headers: { "if-none-match": picture.headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
    await device.leave();
  });

  test("an upload whose device is forgotten meanwhile ends as unknown, without an event and without a file", async () => {
    const { device } = await running.claimed();
    const content = randomBytes(1_000);
    const url = await granted(device, content);
    const feed = await api.events(`?types=upload,device-removed`);
    const answered = new Promise<number>((resolve, reject) => {
      const sending = httpRequest(url, { method: "PUT", headers: { "content-length": content.length } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sending.on("error", reject);
      sending.write(content.subarray(0, 400));
      void (async () => {
        while ((await offset(url)) !== "400") await sleep(20);
        await device.leave();
        while ((await api.send("DELETE", `/devices/${device.id}`)).status === 409) await sleep(20);
        sending.end(content.subarray(400));
      })().catch(reject);
    });
    expect(await answered).toBe(404);
    const other = await running.claimed();
    expect((await put(await granted(other.device, content), content)).status).toBe(201);
    // Events come in order: one of the forgotten upload would be first.
    expect(await feed.next("upload")).toMatchObject({ upload: { device: other.device.id } });
    feed.close();
    await other.device.leave();
  });

  test("more bytes than announced, wrong ranges and guessed URLs are refused", async () => {
    const { device } = await running.claimed();
    const content = randomBytes(1_000);
    const url = await granted(device, content);
    expect((await put(url, randomBytes(1_001))).status).toBe(416);
    for (const range of ["bytes 0-999/999", "bytes 5-4/1000", "bytes 0-1000/1000", "lines 1-2"])
      expect((await put(url, content, range)).status).toBe(416);
    expect((await put(`${running.base}/upload/${"A".repeat(32)}`, content)).status).toBe(404);
    await device.leave();
  });
});

describe("live pictures", () => {
  test("are requested by a signed internal command, and only while somebody is watching", async () => {
    const { device, ownerKey } = await running.claimed();
    device.send({
      t: "profile",
      hash: "1".repeat(64),
      capabilities: [],
      commands: ["screenshot"],
      choices: {},
      inventory: {},
      evidence: [],
    });
    const feed = await api.events(`?screens=${device.id}&types=command`);
    const command = await device.expectCommand(ownerKey);
    expect(command).toMatchObject({ name: "screenshot", params: { format: "jpeg", widthMax: 640 } });
    expect(await feed.next("command")).toMatchObject({ command: { internal: true, name: "screenshot" } });
    device.succeed(command);
    await device.storedUpTo("outcome", 1);
    expect((await api.get(`/devices/${device.id}/commands`)).body).toMatchObject({ commands: [] });
    expect((await api.get(`/devices/${device.id}/commands?internal=1`)).body).toMatchObject({
      commands: [{ id: command.id, internal: true }],
    });
    expect((await api.get(`/devices/${device.id}/records?stream=outcome`)).body).toMatchObject({ records: [] });
    feed.close();
    await device.leave();
  });
});

describe("simulated hardware", () => {
  test("is found by its socket, and requests are forwarded to it", async () => {
    const { device } = await running.claimed();
    expect(codeOf(await api.get(`/devices/${device.id}/simulated`))).toBe("501 simulated.unavailable");
    const run = join(running.folder, "devices", "1", "run");
    mkdirSync(run, { recursive: true });
    const asked: JsonObject[] = [];
    const socket = createServer((connection) => {
      connection.on("data", (chunk: Buffer) => {
        const request = JSON.parse(chunk.toString()) as JsonObject;
        asked.push(request);
        const results: Record<string, Json> = {
          status: { deviceId: device.id },
          "simulated.actions": [{ name: "gpio.press" }],
          "simulated.state": { hdmi: true },
          "simulated.apply": { done: true },
        };
        const bad = objectAt(request, "params")["action"] === "wrong";
        const answer = bad
          ? { id: request["id"] ?? 0, error: { code: "simulated.unknown-action", message: "no such action" } }
          : { id: request["id"] ?? 0, result: results[textOf(request["method"])] ?? null };
        connection.write(`${JSON.stringify({ event: "noise" })}\n${JSON.stringify(answer)}\n`);
      });
    });
    await new Promise<void>((resolve) => socket.listen(join(run, "agent.sock"), resolve));
    await expect
      .poll(async () => (await api.get(`/devices/${device.id}/simulated`)).body, { timeout: 10_000, interval: 500 })
      .toEqual({ actions: [{ name: "gpio.press" }], state: { hdmi: true } });
    const applied = await api.post(`/devices/${device.id}/simulated`, { action: "gpio.press", params: { line: "GPIO17" } });
    expect(applied.body).toEqual({ result: { done: true }, state: { hdmi: true } });
    expect(asked.find((request) => request["method"] === "simulated.apply")?.["params"]).toEqual({
      action: "gpio.press",
      params: { line: "GPIO17" },
    });
    expect(codeOf(await api.post(`/devices/${device.id}/simulated`, { action: "wrong" }))).toBe("400 simulated.unknown-action");
    await new Promise((resolve) => socket.close(resolve));
    await device.leave();
  });
});

describe("access to the HTTP server", () => {
  function raw(options: {
    method?: string;
    path: string;
    headers: Record<string, string>;
    body?: string;
  }): Promise<{ status: number; body: string }> {
    const { port } = new URL(running.base);
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        { host: "127.0.0.1", port, method: options.method ?? "GET", path: options.path, headers: options.headers },
        (response) => {
          let body = "";
          response.on("data", (chunk: Buffer) => {
            body += chunk.toString();
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      request.on("error", reject);
      request.end(options.body);
    });
  }

  test("a request with a foreign Host header is refused for every path", async () => {
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::2]"]) {
      const answer = await raw({ path: "/api/v1/devices", headers: { host } });
      expect([host, answer.status]).toEqual([host, 403]);
    }
    expect((await raw({ path: "/api/v1/devices", headers: { host: "localhost:1" } })).status).toBe(200);
  });

  test("a page of another origin cannot write; our own page and the command line can", async () => {
    const host = new URL(running.base).host;
    const write = (headers: Record<string, string>): Promise<{ status: number; body: string }> =>
      raw({
        method: "POST",
        path: "/api/v1/claim",
        headers: { host, "content-type": "application/json", ...headers },
        body: '{"code":"AAAAAA"}',
      });
    expect((await write({ origin: "http://evil.example" })).status).toBe(403);
    expect((await write({ origin: "null" })).status).toBe(403);
    expect((await write({ origin: `http://${host}` })).status).toBe(404);
    expect((await write({})).status).toBe(404);
    expect((await write({ "content-type": "text/plain" })).status).toBe(415);
  });

  test("a page of another origin cannot read events, pictures or API answers either", async () => {
    const host = new URL(running.base).host;
    const read = async (path: string, headers: Record<string, string>): Promise<string> => {
      const { status, body } = await raw({ path, headers: { host, ...headers } });
      return `${status} ${/"code":"([^"]+)"/.exec(body)?.[1] ?? ""}`.trim();
    };
    for (const path of ["/api/v1/events", "/api/v1/info", "/api/v1/devices/0/screenshot"]) {
      for (const [name, value] of [["origin", "http://evil.example"], ["origin", "null"], ["origin", "http://127.0.0.1:1"], ["sec-fetch-site", "cross-site"], ["sec-fetch-site", "same-site"]] as const)
        expect([path, value, await read(path, { [name]: value })]).toEqual([path, value, "403 request.bad-origin"]);
    }
    expect((await api.get("/info")).body).toMatchObject({ counters: { eventClients: 0 } });
    for (const [name, value] of [["origin", `http://${host}`], ["sec-fetch-site", "same-origin"], ["sec-fetch-site", "none"], ["accept", "*/*"]] as const)
      expect(await read("/api/v1/info", { [name]: value })).toBe("200");
    expect(await read("/sample.zip", { "sec-fetch-site": "cross-site" })).toBe("200");
  });

  test("a web page cannot connect as a device", async () => {
    const socket = new WebSocket(`${running.base.replace(/^http/, "ws")}/device/v1`, { origin: "http://evil.example" });
    const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
    expect(error.message).toContain("403");
  });

  test("oversized or non-JSON bodies, unknown paths, wrong methods and bad escapes are refused", async () => {
    const large = await raw({
      method: "POST",
      path: "/api/v1/claim",
      headers: { host: "localhost", "content-type": "application/json" },
      body: `"${"x".repeat(300_000)}"`,
    });
    expect(large.status).toBe(413);
    expect(
      (
        await raw({
          method: "POST",
          path: "/api/v1/claim",
          headers: { host: "localhost", "content-type": "application/json" },
          body: "{",
        })
      ).status,
    ).toBe(400);
    expect(codeOf(await api.get("/nothing"))).toBe("404 request.no-such-path");
    const method = await api.send("PUT", "/devices", {});
    expect([codeOf(method), method.headers.get("allow")]).toEqual(["405 request.method", "GET"]);
    expect((await raw({ path: "/api/v1/devices/%E0%A4%A", headers: { host: "localhost" } })).status).toBe(404);
    expect((await raw({ path: "/api/v1/devices/__proto__", headers: { host: "localhost" } })).status).toBe(404);
  });

  test("the sample has a different origin than the API, also under its old address", async () => {
    const origin = new URL(await sampleUrl()).origin;
    expect(origin).not.toBe(running.base);
    expect(new URL(origin).hostname).toBe("127.0.0.1");
    const old = await fetch(`${running.base}/sample/media/film.mp4`, { redirect: "manual" });
    expect([old.status, old.headers.get("location")]).toEqual([307, `${origin}/media/film.mp4`]);
    const claim = await fetch(`${running.base}/api/v1/claim`, { method: "POST", headers: { origin, "content-type": "application/json" }, body: '{"code":"AAAAAA"}' });
    expect(claim.status).toBe(403);
  });

  test("the sample and the dashboard are served, with ranges, but no files outside of them", async () => {
    const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(running.base + path, { headers });
    const sample = await sampleUrl();
    const film = `${sample}media/film.mp4`;
    expect(await (await fetch(sample)).text()).toBe("<p>menu</p>");
    const part = await fetch(film, { headers: { range: "bytes=2-4" } });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 2-4/10", "234"]);
    expect(await (await fetch(film, { headers: { range: "bytes=-3" } })).text()).toBe("789");
    expect((await fetch(film, { headers: { range: "bytes=10-" } })).status).toBe(416);
    expect((await fetch(sample, { method: "POST" })).status).toBe(405);
    for (const path of [".secret", "%2e%2e/outside.txt", "..%2foutside.txt", "..%5coutside.txt"]) expect([path, (await fetch(sample + path)).status]).toEqual([path, 404]);
    for (const path of [
      "/%00",
      "/../outside.txt",
    ]) {
      expect([path, (await raw({ path, headers: { host: "localhost" } })).body.includes("not for others")]).toEqual([
        path,
        false,
      ]);
    }
    expect(await (await get("/")).text()).toBe("<p>dashboard</p>");
    expect(await (await get("/claim?code=AAAAAA")).text()).toBe("<p>dashboard</p>");
    expect((await get("/missing.js")).status).toBe(404);
    const info = (await api.get("/info")).body;
    expect(info).toMatchObject({
      sample: { package: { sha256: createHash("sha256").update("zip bytes").digest("hex"), bytes: 9 } },
      protocol: 1,
    });
    expect(await (await get("/sample.zip")).text()).toBe("zip bytes");
  });
});

async function sampleUrl(): Promise<string> {
  return textOf(objectAt((await api.get("/info")).body, "sample")["url"]);
}
