import { connect } from "node:net";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { request, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, ok } from "../../../platform/ports/result.ts";
import { answerPortal, type PortalView } from "../../core/setup/portal.ts";
import type { SetupRequest } from "../../core/setup/setup-request.ts";
import { createPortalServer } from "./portal-server.ts";
import { loopbackDoor, systemdDoor } from "./setup-doors.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-portal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

let nowMs = 0;
const chosen: SetupRequest[] = [];
let host = "";
const view = (): PortalView => ({ device: "8f2c", host, interface: "wlan0", token: "t0ken", networks: [{ ssid: "Shop", ssidHex: "00", signalPercent: 60, security: "wpa-psk" }] });
const server = (): Server => createPortalServer({ answer: (asked) => answerPortal({ view, choose: (choice) => chosen.push(choice) > 0 }, asked), clock: { monotonicMs: () => nowMs }, log: silentLog });

interface Answer {
  readonly status: number;
  readonly body: string;
}

function ask(target: { readonly socketPath: string } | { readonly host: string; readonly port: number }, over: { method?: string; path?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...target, method: over.method ?? "GET", path: over.path ?? "/", headers: { host, ...over.headers }, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
    });
    sent.on("error", reject);
    sent.end(over.body);
  });
}
const FORM = { "content-type": "application/x-www-form-urlencoded" };

describe("the set-up portal over real sockets", () => {
  const door = loopbackDoor(server, "portal-server.integration");
  let target: { readonly host: string; readonly port: number };
  beforeEach(async () => {
    const opened = await door.open("10.42.0.1");
    if (!opened.ok) throw new Error(opened.error.message);
    host = opened.value;
    target = { host: "127.0.0.1", port: Number(host.split(":")[1]) };
    chosen.length = 0;
    nowMs += 60_000;
  });
  afterEach(() => door.close());

  test("has the same address each time it opens, also after a restart, and another one where that is in use", async () => {
    const restarted = loopbackDoor(server, "portal-server.integration");
    const whileOpen = await restarted.open("10.42.0.1");
    expect(whileOpen).toMatchObject({ ok: true });
    expect(whileOpen).not.toEqual({ ok: true, value: host });
    // The address that was found instead is kept too.
    await restarted.close();
    expect(await restarted.open("10.42.0.1")).toEqual(whileOpen);
    await restarted.close();
    await door.close();
    for (const again of [door, loopbackDoor(server, "portal-server.integration")]) {
      expect(await again.open("10.42.0.1")).toEqual({ ok: true, value: host });
      await again.close();
    }
  });

  test("serves the form and takes a choice once", async () => {
    expect(await ask(target)).toMatchObject({ status: 200, body: expect.stringContaining("Shop") as string });
    const sent = await ask(target, { method: "POST", path: "/join", headers: FORM, body: "token=t0ken&ssid=Shop&password=very+secret" });
    expect([sent.status, chosen]).toEqual([200, [{ ssid: "Shop", network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "very secret" } } }]]);
    expect(await ask(target, { method: "HEAD" })).toEqual({ status: 200, body: "" });
    expect((await ask(target, { headers: { host: "captive.test" } })).status).toBe(302);
  });

  test("refuses what is too large, and what comes too fast, and goes on", async () => {
    expect((await ask(target, { method: "POST", path: "/join", headers: FORM, body: "x".repeat(20_000) })).status).toBe(413);
    expect((await ask(target, { headers: { cookie: "x".repeat(20_000) } })).status).toBe(431);
    const many: number[] = [];
    for (let count = 0; count < 80; count += 1) many.push((await ask(target)).status);
    expect([many[0], many.at(-1)]).toEqual([200, 429]);
    nowMs += 10_000;
    expect((await ask(target)).status).toBe(200);
  });

  test("a crowd of silent connections is bounded, and answers nobody else's request wrongly", async () => {
    const sockets = await Promise.all(Array.from({ length: 40 }, () => new Promise<ReturnType<typeof connect>>((resolve) => {
      const socket = connect(target.port, target.host, () => resolve(socket));
      socket.on("error", () => {});
    })));
    // Those beyond the limit are closed by the server.
    await expect.poll(() => sockets.filter((socket) => socket.destroyed || socket.readableEnded || socket.closed).length).toBeGreaterThanOrEqual(24);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => ask(target).then(({ status }) => status, () => 0)).toBe(200);
  });

  test("nonsense on the wire is answered with an error or nothing", async () => {
    const said = await new Promise<string>((resolve) => {
      const socket = connect(target.port, target.host, () => socket.end("\u0000\u0001 nonsense\r\n\r\n"));
      let text = "";
      socket.on("data", (part) => (text += part.toString()));
      socket.on("close", () => resolve(text));
    });
    expect(said).toMatch(/^(HTTP\/1\.1 400|$)/);
    expect((await ask(target)).status).toBe(200);
  });

  test("nothing answers after it was closed", async () => {
    await door.close();
    await expect(ask(target)).rejects.toThrow(/ECONNREFUSED/);
  });
});

test("on a device the portal is on a socket of the agent alone, behind the unit for its address", async () => {
  const calls: string[] = [];
  const path = join(folder, "run", "setup.sock");
  const door = systemdDoor({ server, path, control: (verb, unit) => Promise.resolve(ok(calls.push(`${verb} ${unit}`))) });
  expect(await door.open("10.42.0.1")).toEqual({ ok: true, value: "10.42.0.1" });
  host = "10.42.0.1";
  nowMs += 60_000;
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await ask({ socketPath: path })).status).toBe(200);
  await door.close();
  expect([calls, existsSync(path)]).toEqual([["start vitrine-setup@10.42.0.1.socket", "stop vitrine-setup@10.42.0.1.socket"], false]);
});

test("a unit that does not start leaves no portal behind and says what is missing", async () => {
  const path = join(folder, "setup.sock");
  const door = systemdDoor({ server, path, control: (verb) => Promise.resolve(verb === "start" ? fail("program.failed", "Unit not found") : ok(undefined)) });
  expect(await door.open("10.42.0.1")).toMatchObject({ ok: false, error: { code: "setup.no-portal", message: expect.stringContaining("Unit not found") as string } });
  expect(existsSync(path)).toBe(false);
});
