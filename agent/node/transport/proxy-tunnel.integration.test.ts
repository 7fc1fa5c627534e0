import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { SystemTimers } from "../../../platform/linux/system-clock.ts";
import { exchangeHttp } from "./http-exchange.ts";
import { proxyFor } from "./proxy-tunnel.ts";
import { close, listen } from "./testing/loopback-world.ts";
import { tunnelTo, type Decide, type TestProxy } from "./testing/test-proxy.ts";
import { VALID, type TestCertificate } from "./testing/test-certificates.ts";
import { WsTransport, type WsTransportOptions } from "./ws-transport.ts";

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of closing.splice(0).reverse()) await cleanup();
});

async function proxy(targetPort: number, decide?: Decide, certificate?: TestCertificate): Promise<TestProxy> {
  const opened = await tunnelTo(targetPort, decide, certificate);
  closing.push(opened.close);
  return opened;
}

async function echo(server: Server): Promise<number> {
  const wss = new WebSocketServer({ server });
  wss.on("connection", (ws) => ws.send("through"));
  const port = await listen(server);
  closing.push(async () => {
    for (const client of wss.clients) client.terminate();
    await close(server);
  });
  return port;
}

async function through(url: string, options: Partial<WsTransportOptions>): Promise<string> {
  const transport = new WsTransport({ timers: new SystemTimers(), clockQuality: async () => "synced", ...options });
  return new Promise((resolve) => {
    const events = { frame: (text: string) => resolve(text), closed: () => resolve("closed") };
    void transport.connect(url, events, new AbortController().signal).then((result) => {
      if (result.ok) closing.push(() => result.value.close("test over"));
      else resolve(result.error.code);
    });
  });
}

describe("connections through a proxy", () => {
  test("reach a plain and a TLS server, with the proxy's password", async () => {
    const plain = await proxy(await echo(createServer()));
    expect(await through("ws://cloud.test/device", { proxy: plain.address })).toBe("through");
    expect(plain.asked).toEqual([`cloud.test:80 Basic ${Buffer.from("user:p@ss").toString("base64")}`]);
    const secure = await proxy(await echo(createTlsServer(VALID)));
    expect(await through("wss://cloud.test:8443/device", { proxy: secure.address, ca: VALID.cert })).toBe("through");
    expect(secure.asked[0]).toMatch(/^cloud\.test:8443 /);
    expect(await through("wss://cloud.test/", { proxy: secure.address })).toBe("link.tls");
    expect(await through("wss://other.test/", { proxy: secure.address, ca: VALID.cert })).toBe("link.tls");
  });

  test("fail with link.proxy when the proxy refuses, is unreachable or is not a proxy", async () => {
    const { address } = await proxy(1, () => "407 Proxy Authentication Required");
    expect(await through("wss://cloud.test/", { proxy: address })).toBe("link.proxy");
    expect(await through("wss://cloud.test/", { proxy: "nonsense" })).toBe("link.proxy");
    const mute = createTcpServer((socket) => socket.destroy());
    const port = await listen(mute);
    expect(await through("wss://cloud.test/", { proxy: `http://127.0.0.1:${port}` })).toBe("link.proxy");
    await close(mute);
    expect(await through("wss://cloud.test/", { proxy: `http://127.0.0.1:${port}` })).toBe("link.proxy");
  });

  test("can be aborted while waiting for the proxy", async () => {
    const mute = createTcpServer(() => {});
    const port = await listen(mute);
    const giveUp = new AbortController();
    const transport = new WsTransport({ timers: new SystemTimers(), clockQuality: async () => "synced", proxy: `http://127.0.0.1:${port}` });
    const attempt = transport.connect("wss://cloud.test/", { frame: () => {}, closed: () => {} }, giveUp.signal);
    giveUp.abort();
    expect(await attempt).toMatchObject({ ok: false, error: { code: "link.timeout" } });
    await close(mute);
  });

  test("reach a plain and a TLS server through a TLS proxy, which needs its own certificate", async () => {
    const plain = await proxy(await echo(createServer()), undefined, VALID);
    expect(await through("ws://cloud.test/device", { proxy: plain.address, ca: VALID.cert })).toBe("through");
    expect(plain.asked).toEqual([`cloud.test:80 Basic ${Buffer.from("user:p@ss").toString("base64")}`]);
    const secure = await proxy(await echo(createTlsServer(VALID)), undefined, VALID);
    expect(await through("wss://cloud.test/device", { proxy: secure.address, ca: VALID.cert })).toBe("through");
    expect(await through("wss://cloud.test/device", { proxy: secure.address })).toBe("link.proxy");
  });

  test.each(["link", "upload"])("leave nothing open when the tunnel ends during the TLS handshake (%s)", async (how) => {
    // Accepts the connection and stays silent: the handshake never ends.
    const mute = createTcpServer((socket) => void closing.push(() => void socket.destroy()));
    const mutePort = await listen(mute);
    closing.push(() => void mute.close());
    const tunnel = await proxy(mutePort);
    const giveUp = new AbortController();
    const attempt =
      how === "link"
        ? new WsTransport({ timers: new SystemTimers(), clockQuality: async () => "synced", proxy: tunnel.address }).connect("wss://cloud.test/", { frame: () => {}, closed: () => {} }, giveUp.signal)
        : exchangeHttp({ method: "HEAD", url: "https://cloud.test/", headers: {}, idleTimeoutMs: 60_000, signal: giveUp.signal }, { proxy: tunnel.address }, new SystemTimers());
    await expect.poll(() => tunnel.asked.length).toBe(1);
    await expect.poll(() => tunnel.connections()).toBe(1);
    giveUp.abort();
    expect((await attempt).ok).toBe(false);
    await expect.poll(() => tunnel.connections()).toBe(0);
  });

  test("are direct for the hosts in noProxy", () => {
    const settings = { proxy: "http://proxy.test:3128", noProxy: ".site.test, cloud.test:8443, *.wild.test,host" };
    const usesProxy = (url: string): boolean => proxyFor(new URL(url), settings) !== undefined;
    expect(["wss://cloud.test/", "wss://notsite.test/", "wss://otherhost/"].map(usesProxy)).toEqual([true, true, true]);
    const direct = ["ws://localhost:1/", "ws://127.0.0.1:1/", "ws://[::1]:1/", "wss://a.site.test/", "wss://site.test/", "wss://cloud.test:8443/", "ws://x.wild.test/", "ws://host/"];
    expect(direct.map(usesProxy)).toEqual(direct.map(() => false));
    expect(proxyFor(new URL("wss://cloud.test/"), { ...settings, noProxy: "*" })).toBeUndefined();
    expect(proxyFor(new URL("wss://cloud.test/"), {})).toBeUndefined();
  });
});

test("uploads use the proxy like the link", async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => bodies.push(text));
    request.on("end", () => response.writeHead(201).end());
  });
  const port = await listen(server);
  closing.push(() => close(server));
  const { address, asked } = await proxy(port);
  const request = { method: "PUT", url: "http://cloud.test/upload", headers: { "content-length": "7" }, body: Buffer.from("picture"), idleTimeoutMs: 5_000, signal: new AbortController().signal } as const;
  expect(await exchangeHttp(request, { proxy: address }, new SystemTimers())).toMatchObject({ ok: true, value: { status: 201 } });
  expect([bodies.join(""), asked[0]]).toEqual(["picture", expect.stringMatching(/^cloud\.test:80 /)]);
});
