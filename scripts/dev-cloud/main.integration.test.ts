import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ApiClient } from "./testing/api-client.ts";
import { CloudProcess, runCloud, scratch } from "./testing/cloud-process.ts";
import { TestDevice } from "./testing/test-device.ts";

let folder: ReturnType<typeof scratch>;
beforeEach(() => {
  folder = scratch();
});
afterEach(() => folder.remove());

describe("the development cloud as a process", () => {
  test("killed at any moment, it has stored everything it acknowledged exactly once", async () => {
    const device = await TestDevice.create();
    let sent = 0;
    for (let round = 0; round < 4; round += 1) {
      const cloud = await CloudProcess.start(folder.path);
      const welcome = await device.join(cloud.base);
      expect(welcome.stored.event ?? 0).toBeGreaterThanOrEqual(device.stored.event ?? 0);
      // Send unacknowledged records again, as a device does, then more; the kill comes in between.
      device.next.event = (welcome.stored.event ?? 0) + 1;
      for (let batch = 0; batch < 20; batch += 1)
        sent = device.sendEvents(...Array.from({ length: 100 }, (_, at) => `e${device.next.event + at}`));
      await device.storedUpTo("event", (welcome.stored.event ?? 0) + 300 * (round + 1));
      await cloud.kill("SIGKILL");
      await device.closed();
    }
    const acknowledged = device.stored.event ?? 0;
    expect(acknowledged).toBeGreaterThan(0);
    const cloud = await CloudProcess.start(folder.path);
    const welcome = await device.join(cloud.base);
    expect(welcome.stored.event).toBeGreaterThanOrEqual(acknowledged);
    const api = new ApiClient(cloud.base);
    const seqs: number[] = [];
    for (let after = 0; ;) {
      const { body } = await api.get(`/devices/${device.id}/records?stream=event&limit=1000&after=${after}`);
      const records = body["records"] as readonly {
        readonly seq: number;
        readonly cursor: number;
        readonly body: { readonly name: string };
      }[];
      if (records.length === 0) break;
      for (const record of records) {
        expect(record.body.name).toBe(`e${record.seq}`);
        seqs.push(record.seq);
      }
      after = Number(body["next"]);
    }
    expect(seqs).toEqual(Array.from({ length: welcome.stored.event ?? 0 }, (_, at) => at + 1));
    expect(seqs.length).toBeLessThanOrEqual(sent);
    await device.leave();
    expect(await cloud.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  }, 60_000);

  test("keeps owner, devices and commands across a restart, and its key file is private", async () => {
    const device = await TestDevice.create();
    const first = await CloudProcess.start(folder.path, ["--auto-claim"]);
    const welcome = await device.join(first.base);
    if (welcome.owner.kind !== "claimed") throw new Error("not claimed");
    await device.leave();
    const waiting = await new ApiClient(first.base).post(`/devices/${device.id}/commands`, { name: "identify" });
    expect(waiting.status).toBe(202);
    await first.kill("SIGTERM");
    expect(statSync(join(folder.path, "owner-key.json")).mode & 0o777).toBe(0o600);
    const second = await CloudProcess.start(folder.path);
    expect((await device.join(second.base)).owner).toEqual(welcome.owner);
    expect((await device.expectCommand(welcome.owner.commandKey)).name).toBe("identify");
    await device.leave();
    await second.kill("SIGTERM");
  });

  test("stops in time while devices and event clients are connected", async () => {
    const cloud = await CloudProcess.start(folder.path);
    const device = await TestDevice.create();
    await device.join(cloud.base);
    const feed = await new ApiClient(cloud.base).events();
    await feed.next("hello");
    const before = performance.now();
    expect((await cloud.kill("SIGTERM")).code).toBe(0);
    expect(performance.now() - before).toBeLessThan(1_500);
    expect((await device.expectType("goaway")).reason).toContain("stopping");
    feed.close();
  });

  test("stops when its parent process is gone", async () => {
    const parent = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const cloud = await CloudProcess.start(folder.path, [], { VITRINE_PARENT_PID: String(parent.pid ?? 0) });
    parent.kill("SIGKILL");
    expect((await cloud.ended()).code).toBe(0);
  });

  test("a taken port, a second cloud on the same folder and an invalid option each get one clear sentence", async () => {
    const cloud = await CloudProcess.start(folder.path);
    const other = scratch();
    const port = new URL(cloud.base).port;
    expect(await runCloud(["--port", port, "--data", other.path])).toEqual({
      code: 1,
      errors: `Port ${port} is taken. Stop the program that uses it, or choose another with --port.\n`,
    });
    expect(await runCloud(["--port", "0", "--data", folder.path])).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^Another development cloud is using .*\n$/) as unknown,
    });
    expect(await runCloud(["--port", "many"])).toMatchObject({
      code: 2,
      errors: expect.stringContaining("--port many is not a port") as unknown,
    });
    expect((await runCloud(["--sprot", "1"])).code).toBe(2);
    writeFileSync(join(other.path, "file"), "");
    expect((await runCloud(["--port", "0", "--data", join(other.path, "file")])).code).toBe(1);
    await cloud.kill("SIGTERM");
    other.remove();
  });

  test("a damaged store is moved aside, but a damaged owner's key is not replaced", async () => {
    writeFileSync(join(folder.path, "cloud.sqlite"), "no database ".repeat(1_000));
    const cloud = await CloudProcess.start(folder.path);
    await cloud.kill("SIGTERM");
    writeFileSync(join(folder.path, "owner-key.json"), "{");
    const failed = await runCloud(["--port", "0", "--data", folder.path]);
    expect(failed.code).toBe(1);
    expect(failed.errors).toContain("owner-key.json is damaged");
    expect(readFileSync(join(folder.path, "owner-key.json"), "utf8")).toBe("{");
  });
});
