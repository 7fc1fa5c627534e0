import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportLeftOut } from "../../check/left-out.ts";
import { BootedRoot, whyNoBoot } from "../../package/testing/booted-root.ts";
import { proxyScript } from "./emulated-ground.ts";

const why = whyNoBoot();
if (why !== undefined) reportLeftOut("the proxies of an emulated machine under systemd", why);

/** On a container, which shares this machine's network. */
describe.skipIf(why !== undefined)("the proxies that lead into and out of an emulated machine", () => {
  let root: BootedRoot;
  let target: Server;
  let port: number;

  beforeAll(async () => {
    target = createServer((socket) => socket.end("from the target"));
    target.listen(0, "127.0.0.1");
    const free = createServer().listen(0, "127.0.0.1");
    await Promise.all([once(target, "listening"), once(free, "listening")]);
    ({ port } = free.address() as AddressInfo);
    free.close();
    root = await BootedRoot.boot();
  }, 200_000);

  afterAll(async () => {
    await root.close();
    target.close();
  }, 60_000);

  test("pass connections on at once, and after a power cut", async () => {
    await root.read(proxyScript("bench-test", `127.0.0.1:${port}`, `127.0.0.1:${(target.address() as AddressInfo).port}`));
    expect(await text(connect(port, "127.0.0.1"))).toBe("from the target");
    await root.powerCut();
    expect(await text(connect(port, "127.0.0.1"))).toBe("from the target");
  }, 200_000);
});
