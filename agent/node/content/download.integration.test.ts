import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Server } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { close, listen } from "../transport/testing/loopback-world.ts";
import { VALID } from "../transport/testing/test-certificates.ts";
import { tunnelTo } from "../transport/testing/test-proxy.ts";
import { download } from "./download.ts";
import { unpack } from "./unpack.ts";

const bytes = randomBytes(50_000);
const sha256 = createHash("sha256").update(bytes).digest("hex");
const serve: RequestListener = (request, response) => {
  if (request.url === "/moved") response.writeHead(302, { location: "/menu.zip" }).end();
  else if (request.url === "/round") response.writeHead(302, { location: "/round" }).end();
  else if (request.url === "/plain") response.writeHead(302, { location: "http://cloud.test/menu.zip" }).end();
  else if (request.url === "/home") response.writeHead(302, { location: "https://localhost/menu.zip" }).end();
  else if (request.url === "/wrong-part") response.writeHead(206, { "content-range": "bytes 0-9/50000" }).end(bytes.subarray(0, 10));
  else response.end(bytes);
};

let folder = "";
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-download-"));
});
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each();
  rmSync(folder, { recursive: true, force: true });
});

async function open(server: Server): Promise<number> {
  const port = await listen(server);
  closing.push(() => close(server));
  return port;
}

const never = new AbortController().signal;
const job = (url: string) => ({ url, sha256, bytes: bytes.length, to: join(folder, "menu.zip") });

describe("packages are downloaded with the link's network settings", () => {
  test("through its proxy, which resolves the name, with the configured certificates", async () => {
    const proxy = await tunnelTo(await open(createTlsServer({ key: VALID.key, cert: VALID.cert }, serve)));
    closing.push(proxy.close);
    expect(await download(job("https://cloud.test/menu.zip"), { proxy: proxy.address, ca: VALID.cert }, never)).toEqual({ ok: true, value: undefined });
    expect(readFileSync(join(folder, "menu.zip")).equals(bytes)).toBe(true);
    expect(proxy.asked).toEqual([expect.stringMatching(/^cloud\.test:443 Basic /)]);
  });

  test("an untrusted certificate and a refusing proxy are reported", async () => {
    const port = await open(createTlsServer({ key: VALID.key, cert: VALID.cert }, serve));
    const untrusted = await tunnelTo(port);
    const closed = await tunnelTo(port, () => "403 Forbidden");
    closing.push(untrusted.close, closed.close);
    expect(await download(job("https://cloud.test/menu.zip"), { proxy: untrusted.address }, never)).toMatchObject({ ok: false, error: { code: "content.unreachable", message: expect.stringContaining("link.tls") as string } });
    expect(await download(job("https://cloud.test/menu.zip"), { proxy: closed.address, ca: VALID.cert }, never)).toMatchObject({ ok: false, error: { message: expect.stringContaining("link.proxy") as string } });
  });

  test("redirects are followed, but not endlessly, and not from https to http", async () => {
    const port = await open(createServer(serve));
    expect((await download(job(`http://127.0.0.1:${port}/moved`), {}, never)).ok).toBe(true);
    const round = await download({ ...job(`http://127.0.0.1:${port}/round`), to: join(folder, "b.zip") }, {}, never);
    expect(round).toMatchObject({ ok: false, error: { code: "content.unreachable" } });
    const secured = await tunnelTo(await open(createTlsServer({ key: VALID.key, cert: VALID.cert }, serve)));
    closing.push(secured.close);
    const plain = await download({ ...job("https://cloud.test/plain"), to: join(folder, "c.zip") }, { proxy: secured.address, ca: VALID.cert }, never);
    expect(plain).toMatchObject({ ok: false, error: { message: expect.stringContaining("not followed") as string } });
    const home = await download({ ...job("https://cloud.test/home"), to: join(folder, "d.zip") }, { proxy: secured.address, ca: VALID.cert }, never);
    expect(home).toMatchObject({ ok: false, error: { message: expect.stringContaining("this machine itself") as string } });
  });

  test("a redirect to a nearer network is not followed; the address that is connected to decides", async () => {
    const asked: string[] = [];
    const inner = await open(createServer((request, response) => {
      asked.push(request.url ?? "");
      serve(request, response);
    }));
    // A name from this machine's hosts file other than "localhost", and a server that is not on this machine.
    const elsewhere = await tunnelTo(await open(createTlsServer({ key: VALID.key, cert: VALID.cert }, (request, response) => {
      response.writeHead(302, { location: `https://${request.url === "/name" ? hostname() : "10.1.2.3"}:${inner}/menu.zip` }).end();
    })));
    closing.push(elsewhere.close);
    const http = { proxy: elsewhere.address, noProxy: `${hostname()},10.1.2.3`, ca: VALID.cert };
    const name = await download(job("https://cloud.test/name"), http, never);
    expect(name).toMatchObject({ ok: false, error: { code: "content.unreachable", message: expect.stringMatching(/^https:\/\/cloud\.test\/name redirects to a nearer network, which is not followed: .* is this machine itself$/) as string } });
    const address = await download(job("https://cloud.test/address"), http, never);
    expect(address).toMatchObject({ ok: false, error: { message: "https://cloud.test/address redirects to a nearer network, which is not followed: 10.1.2.3 is on the site's own network" } });
    expect(asked).toEqual([]);
    // With the owner's permission for the redirecting origin, the error is now that the inner server does not speak TLS.
    expect(await download({ ...job("https://cloud.test/name"), localNetwork: true }, http, never)).toMatchObject({ ok: false, error: { message: expect.not.stringContaining("nearer") as string } });
  });

  test("a redirect between names of this machine is followed", async () => {
    const inner = await open(createServer(serve));
    const outer = await open(createServer((_request, response) => void response.writeHead(302, { location: `http://localhost:${inner}/menu.zip` }).end()));
    expect(await download(job(`http://127.0.0.1:${outer}/`), {}, never)).toEqual({ ok: true, value: undefined });
  });

  test("a part with the wrong offset is discarded, not appended", async () => {
    const port = await open(createServer(serve));
    writeFileSync(join(folder, "menu.zip.part"), bytes.subarray(0, 1_000));
    expect((await download(job(`http://127.0.0.1:${port}/wrong-part`), {}, never)).ok).toBe(false);
    expect(existsSync(join(folder, "menu.zip.part"))).toBe(false);
  });

  test("an aborted download ends immediately", async () => {
    const stop = new AbortController();
    const port = await open(createServer((_request, response) => {
      response.write(bytes.subarray(0, 100));
      stop.abort();
    }));
    expect(await download(job(`http://127.0.0.1:${port}/menu.zip`), {}, stop.signal)).toMatchObject({ ok: false });
  });
});

test("unpacking stops when it is aborted", async () => {
  const stop = new AbortController();
  const files = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}.txt`, strToU8("text")]));
  writeFileSync(join(folder, "many.zip"), zipSync(files));
  const into = join(folder, "into");
  mkdirSync(into);
  const unpacking = unpack(join(folder, "many.zip"), into, stop.signal);
  stop.abort();
  expect(await unpacking).toMatchObject({ ok: false, error: { code: "content.aborted" } });
  expect(readdirSync(into).length).toBeLessThan(50);
});
