import { createServer } from "node:http";
import { once } from "node:events";
import { expect, test } from "vitest";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { exchangeHttp, THROWN_AWAY_MS_MAX } from "./http-exchange.ts";
import { close, listen } from "./testing/loopback-world.ts";

test("an endless answer is cut off and its connection closed", async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200);
    const more = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(64 * 1024), more);
    };
    more();
  });
  const port = await listen(server);
  const closed = once(server, "request").then(([, response]) => once(response as NodeJS.EventEmitter, "close"));
  try {
    const answer = await exchangeHttp({ method: "PUT", url: `http://127.0.0.1:${port}/`, headers: {}, body: new Uint8Array(3), idleTimeoutMs: 60_000, signal: new AbortController().signal }, {}, new VirtualTime());
    expect(answer).toMatchObject({ ok: true, value: { status: 200 } });
    await closed;
  } finally {
    await close(server);
  }
});

test("an answer that trickles in is cut off after a time limit; one that ends leaves no timer", async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200);
    if (request.url === "/whole") return void response.end("x");
    const drip = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(drip));
  });
  const port = await listen(server);
  const time = new VirtualTime();
  const exchange = (path: string) => exchangeHttp({ method: "PUT", url: `http://127.0.0.1:${port}${path}`, headers: {}, body: new Uint8Array(3), idleTimeoutMs: 60_000, signal: new AbortController().signal }, {}, time);
  try {
    const closed = once(server, "request").then(([, response]) => once(response as NodeJS.EventEmitter, "close"));
    expect(await exchange("/dripping")).toMatchObject({ ok: true, value: { status: 200 } });
    expect(time.pending().map(({ name }) => name)).toEqual(["http.thrown-away"]);
    await time.advance(THROWN_AWAY_MS_MAX);
    await closed;
    expect(await exchange("/whole")).toMatchObject({ ok: true, value: { status: 200 } });
    await expect.poll(() => time.pending()).toEqual([]);
  } finally {
    await close(server);
  }
});
