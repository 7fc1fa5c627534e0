import { createServer as createTlsServer } from "node:https";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SystemTimers } from "../../../platform/linux/system-clock.ts";
import type { ClockQuality } from "../../../platform/ports/clock.ts";
import type { LinkStatus } from "../../core/cloud/cloud-port.ts";
import { LinkBench } from "../../core/cloud/testing/link-bench.ts";
import { NONCE, welcomeOf } from "../../core/cloud/testing/scripted-transport.ts";
import type { ServedConnection, TransportWorld } from "../../core/cloud/transport.conformance.ts";
import { close, listen, loopbackWorld } from "./testing/loopback-world.ts";
import { EXPIRED, NOT_YET_VALID, VALID, type TestCertificate } from "./testing/test-certificates.ts";
import { RECEIVE_BYTES_MAX, WsTransport, type WsTransportOptions } from "./ws-transport.ts";

const timers = new SystemTimers();
const transport = (over: Partial<WsTransportOptions> = {}): WsTransport => new WsTransport({ timers, clockQuality: async () => "synced", ...over });

describe("the link over real sockets with virtual time", () => {
  let world: TransportWorld;
  let bench: LinkBench | undefined;
  beforeEach(async () => {
    world = await loopbackWorld();
  });
  afterEach(async () => {
    await bench?.end();
    bench = undefined;
    await world.stop();
  });

  async function start(url: string): Promise<LinkBench> {
    bench = await LinkBench.make({ transport: transport(), endpoints: [url] });
    await bench.start(0);
    return bench;
  }

  /** Plays the server's part until the link is online. */
  async function welcomed(running: LinkBench): Promise<ServedConnection> {
    const served = await world.accepted();
    served.send(JSON.stringify({ t: "challenge", versions: [1], nonce: NONCE }));
    await expect.poll(() => served.received.some((frame) => frame.includes('"hello"'))).toBe(true);
    served.send(JSON.stringify(welcomeOf("s-1")));
    await until(running, (status) => status.kind === "online");
    return served;
  }

  test("gives up on a server that accepts the connection but never answers", async () => {
    const running = await start(world.muteUrl);
    await running.time.advance(20_000);
    expect(running.link.status()).toMatchObject({ kind: "offline", lastError: { code: "link.timeout" } });
  });

  test("gives up on a server that never sends its challenge", async () => {
    const running = await start(world.url);
    await world.accepted();
    await until(running, (status) => status.kind === "connecting");
    await expect.poll(() => running.time.pending().map((timer) => timer.dueMs - running.time.monotonicMs())).toEqual([15_000]);
    await running.time.advance(15_000);
    expect(running.link.status()).toMatchObject({ kind: "offline", lastError: { code: "link.handshake-timeout" } });
  });

  test("detects a half-open connection and reconnects", async () => {
    const running = await start(world.url);
    const served = await welcomed(running);
    served.pause();
    await running.time.advance(67_000);
    expect(running.link.status()).toMatchObject({ lastError: { code: "link.silent" } });
    await running.time.advance(6_000);
    await welcomed(running);
    expect(running.link.counts()).toMatchObject({ sessions: 2, attempts: 2 });
  });

  test("refuses a 1 MB frame with an error and closes the connection for a larger one, and survives both", async () => {
    const running = await start(world.url);
    const served = await welcomed(running);
    served.send(JSON.stringify({ t: "pong", pad: "x".repeat(1_000_000) }));
    await expect.poll(() => served.received.find((frame) => frame.includes('"error"'))).toContain("frame.too-large");
    expect(running.link.status().kind).toBe("online");
    served.send("x".repeat(RECEIVE_BYTES_MAX + 1));
    await until(running, (status) => status.kind === "offline");
    expect(running.link.status()).toMatchObject({ lastError: { code: "frame.too-large" } });
    await running.time.advance(6_000);
    await welcomed(running);
  });

  test("closes the connection on a small frame that would decompress to a huge one, before decompressing it", async () => {
    await world.stop();
    world = await loopbackWorld({ compress: true });
    const running = await start(world.url);
    const served = await welcomed(running);
    served.send("x".repeat(64 * 1024 * 1024));
    await until(running, (status) => status.kind === "offline");
    expect(running.link.status()).toMatchObject({ lastError: { code: "frame.too-large" } });
  });

  test("bounds the send buffer for a server that stops reading, and then closes the link", async () => {
    const running = await start(world.url);
    const served = await welcomed(running);
    served.pause();
    const session = running.drains[0]?.session;
    let sent = 0;
    while (session?.sendFrame(JSON.stringify({ t: "ping", pad: "x".repeat(60_000) })) === true && sent < 5_000) sent += 1;
    expect(sent).toBeLessThan(5_000);
    expect(session?.bufferedBytes()).toBeLessThanOrEqual(1024 * 1024);
    expect(running.link.send({ t: "ping" })).toBe(true);
    expect(running.link.counts().framesUnsent).toBe(1);
    await running.time.advance(67_000);
    expect(running.link.status()).toMatchObject({ lastError: { code: "link.silent" } });
    expect(session?.sendFrame("{}")).toBe(false);
  });
});

describe("certificates and the clock", () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await close(server);
  });

  async function codeAt(certificate: TestCertificate, quality: ClockQuality, ca?: string): Promise<string> {
    const server = createTlsServer(certificate, (_, response) => response.writeHead(503).end());
    servers.push(server);
    const port = await listen(server);
    const options = { clockQuality: async () => quality, ...(ca === undefined ? {} : { ca }) };
    const result = await transport(options).connect(`wss://127.0.0.1:${port}/`, { frame: () => {}, closed: () => {} }, new AbortController().signal);
    server.closeAllConnections();
    return result.ok ? "ok" : result.error.code;
  }

  test("an untrusted certificate is link.tls whatever the clock; a trusted one is accepted", async () => {
    expect(await codeAt(VALID, "unset")).toBe("link.tls");
    expect(await codeAt(VALID, "synced", VALID.cert)).toBe("link.http-503");
  });

  test("an expired or future certificate blames the clock, unless the clock is synchronised", async () => {
    for (const certificate of [NOT_YET_VALID, EXPIRED]) {
      expect(await codeAt(certificate, "unset", certificate.cert)).toBe("link.clock");
      expect(await codeAt(certificate, "synced", certificate.cert)).toBe("link.tls");
    }
  });

  test("a server without TLS, or one that sends garbage, is an error with a code", async () => {
    const server = createServer((socket) => socket.resume().end("hello\r\n"));
    servers.push(server);
    const port = await listen(server);
    const signal = new AbortController().signal;
    const codes = [];
    for (const scheme of ["ws", "wss"]) {
      const result = await transport().connect(`${scheme}://127.0.0.1:${port}/`, { frame: () => {}, closed: () => {} }, signal);
      codes.push(result.ok ? "ok" : result.error.code);
    }
    expect(codes).toEqual(["link.protocol", "link.tls"]);
  });
});

/** Waits for a state that the link reaches through real sockets alone; its own time stands still. */
async function until(running: LinkBench, met: (status: LinkStatus) => boolean): Promise<void> {
  await expect.poll(() => met(running.link.status()), { timeout: 10_000 }).toBe(true);
  // The last notification may still be pending in promises.
  await running.time.advance(0);
}
