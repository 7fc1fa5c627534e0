import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { EXPIRED, NOT_YET_VALID, VALID, type TestCertificate } from "../../agent/node/transport/testing/test-certificates.ts";
import { systemClock } from "../../platform/linux/system-clock.ts";
import type { ProbeAnswer } from "../stage/origin-probe.ts";
import { openSiteProxy } from "../shells/testing/site-proxy.ts";
import { HttpOriginProbe } from "./http-origin-probe.ts";

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function portOf(server: Server & { closeAllConnections?(): void }): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  ends.push(() => {
    server.closeAllConnections?.();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}

const web = async (serve: RequestListener): Promise<string> => `http://127.0.0.1:${await portOf(createServer(serve))}/`;
const secure = async (certificate: TestCertificate, serve: RequestListener): Promise<string> => `https://127.0.0.1:${await portOf(createTlsServer(certificate, serve))}/`;
const raw = (answer: string): Promise<number> => portOf(createTcpServer((socket) => void socket.on("error", () => undefined).resume().end(answer)));

function ask(url: string, wallMs = Date.UTC(2026, 10, 29)): Promise<ProbeAnswer> {
  const clock = { wallMs: () => wallMs, monotonicMs: () => systemClock.monotonicMs() };
  return new HttpOriginProbe({ env: {}, clock, patience: { connectMs: 5_000, headersMs: 300 } }).ask(url, new AbortController().signal);
}

describe("the origin is there", () => {
  test.each([200, 302, 401, 404])("if a server answers %s", async (status) => {
    const url = await web((_request, response) => response.writeHead(status).write("x".repeat(100_000)));
    expect(await ask(url)).toEqual({ kind: "answers" });
  });

  test.each([500, 503])("not if a server answers %s", async (status) => {
    const url = await web((_request, response) => response.writeHead(status).end());
    expect(await ask(url)).toMatchObject({ kind: "away", error: { code: `http.${status}` } });
  });

  test("if a server accepts the connection but is slower than the probe waits: the browser waits for it", async () => {
    expect(await ask(await web(() => undefined))).toEqual({ kind: "answers" });
    expect(await ask(await secure(VALID, () => undefined))).toEqual({ kind: "answers" });
  });

  test.each([
    ["http://no-such-host.invalid/", /^net\./],
    ["ftp://127.0.0.1/", /^content\.bad-address$/],
    ["nonsense", /^content\.bad-address$/],
  ])("not if nobody is at %s", async (url, code) => {
    expect(await ask(url)).toMatchObject({ kind: "away", error: { code: expect.stringMatching(code) as string } });
  });

  test("not if nobody listens on the port", async () => {
    const url = await web(() => undefined);
    for (const end of ends.splice(0)) await end();
    expect(await ask(url)).toMatchObject({ kind: "away", error: { code: "net.connection-refused" } });
  });
});

describe("a problem that the browser will have is reported in our own words, but the browser is asked anyway", () => {
  test("something that is not HTTP", async () => {
    const answer = await ask(`http://127.0.0.1:${await raw("SSH-2.0-OpenSSH_9.2\r\n")}/`);
    expect(answer).toMatchObject({ kind: "answers", remark: { code: "http.bad-answer", message: expect.stringMatching(/: what it answers is not HTTP\.$/) as string } });
  });

  test("plain HTTP instead of TLS", async () => {
    const url = await web((_request, response) => response.end());
    expect(await ask(url.replace("http:", "https:"))).toMatchObject({ kind: "answers", remark: { code: "tls.handshake" } });
  });

  test("a port that browsers refuse", async () => {
    expect(await ask("http://127.0.0.1:6000/")).toMatchObject({ kind: "answers", remark: { code: "content.forbidden-port" } });
  });

  test("a certificate from an unknown issuer", async () => {
    const url = await secure(VALID, (_request, response) => response.end());
    expect(await ask(url)).toMatchObject({ kind: "answers", remark: { code: "tls.unknown-issuer" } });
  });
});

describe("a certificate with a wrong date, compared with both clocks", () => {
  const now = Date.UTC(2026, 10, 29);
  const dated = (certificate: TestCertificate, serverMs: number | undefined): Promise<string> =>
    secure(certificate, (_request, response) => {
      if (serverMs === undefined) response.sendDate = false;
      else response.setHeader("date", new Date(serverMs).toUTCString());
      response.end();
    });
  const remark = async (url: string, deviceMs: number): Promise<unknown> => {
    const answer = await ask(url, deviceMs);
    return answer.kind === "answers" ? answer.remark : answer;
  };

  test.each([
    ["expired, and the clocks agree", EXPIRED, now, now, "tls.expired", "and so does the server's"],
    ["expired, and the server tells no time", EXPIRED, undefined, now, "tls.expired", "check the clock as well"],
    ["not yet valid, and the clocks agree", NOT_YET_VALID, now, now, "tls.not-yet-valid", "and so does the server's"],
    ["not yet valid, and the server tells no time", NOT_YET_VALID, undefined, now, "tls.not-yet-valid", "the clock is likely behind"],
    ["good by the server's clock, and this device lives in 1970", VALID, now, 0, "tls.clock-wrong", "the device's clock is likely wrong"],
    ["good by the server's clock, and this device lives in 2250", VALID, now, Date.UTC(2250, 0, 1), "tls.clock-wrong", "the device's clock is likely wrong"],
  ])("%s", async (_name, certificate, serverMs, deviceMs, code, says) => {
    expect(await remark(await dated(certificate, serverMs), deviceMs)).toMatchObject({ code, message: expect.stringContaining(says) as string });
  });
});

describe("through the agent's proxy", () => {
  async function askThrough(more: { wants?: string; answersWith?: number }, url: string, user = ""): Promise<{ answer: ProbeAnswer; asked: readonly string[] }> {
    const to = await portOf(createServer((_request, response) => response.end("here")));
    const proxy = await openSiteProxy({ to, ...more });
    try {
      const probe = new HttpOriginProbe({ env: {}, clock: systemClock, wayOut: () => ({ proxy: `http://${user}${proxy.host}`, noProxy: "direct.test" }) });
      return { answer: await probe.ask(url, new AbortController().signal), asked: proxy.asked.map((one) => one.url) };
    } finally {
      await proxy.close();
    }
  }

  test("an origin is there if only the proxy knows its name", async () => {
    const { answer, asked } = await askThrough({ wants: "screen:s3cret" }, "http://menu.test/board", "screen:s3cret@");
    expect(answer).toEqual({ kind: "answers" });
    expect(asked).toEqual(["http://menu.test/board"]);
  });

  test.each([
    ["http://menu.test/", { wants: "a:b" }, "net.proxy-password"],
    ["https://menu.test/", { answersWith: 407 }, "net.proxy-password"],
    ["https://menu.test/", { answersWith: 503 }, "net.proxy-failed"],
  ])("%s is away because of the proxy %o, which is reported", async (url, more, code) => {
    const { answer } = await askThrough(more, url);
    expect(answer).toMatchObject({ kind: "away", error: { code, message: expect.stringContaining("the proxy") as string } });
  });

  test("a missing proxy is reported as such, not as an unknown name of the content", async () => {
    const probe = new HttpOriginProbe({ env: {}, clock: systemClock, wayOut: () => ({ proxy: "http://127.0.0.1:9" }) });
    const answer = await probe.ask("http://menu.test/", new AbortController().signal);
    expect(answer).toEqual({ kind: "away", error: { code: "net.proxy-failed", message: "menu.test: the proxy 127.0.0.1:9 refuses the connection." } });
  });

  test("loopback and excepted hosts are asked directly", async () => {
    const here = await web((_request, response) => response.end("here"));
    expect(await askThrough({}, here)).toEqual({ answer: { kind: "answers" }, asked: [] });
    const { answer, asked } = await askThrough({}, "http://a.direct.test/");
    expect(answer).toMatchObject({ kind: "away", error: { code: "net.name-not-resolved" } });
    expect(asked).toEqual([]);
  });
});
