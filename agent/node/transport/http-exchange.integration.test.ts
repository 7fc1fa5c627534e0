import { createServer } from "node:http";
import { once } from "node:events";
import { expect, test } from "vitest";
import { exchangeHttp } from "./http-exchange.ts";
import { close, listen } from "./testing/loopback-world.ts";

test("an answer that never ends is cut off, and its connection with it", async () => {
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
    const answer = await exchangeHttp({ method: "PUT", url: `http://127.0.0.1:${port}/`, headers: {}, body: new Uint8Array(3), idleTimeoutMs: 60_000, signal: new AbortController().signal }, {});
    expect(answer).toMatchObject({ ok: true, value: { status: 200 } });
    await closed;
  } finally {
    await close(server);
  }
});
