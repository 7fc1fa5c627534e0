import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SystemTimers } from "../../../platform/linux/system-clock.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { exchangeHttp } from "./http-exchange.ts";
import { close, listen } from "./testing/loopback-world.ts";
import { EXPIRED, NOT_YET_VALID, VALID } from "./testing/test-certificates.ts";
import { MACHINE_STORES, trustAuthorities } from "./trusted-authorities.ts";
import { WsTransport } from "./ws-transport.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "vitrine-store-"));
const server = createTlsServer(VALID, (_, response) => response.writeHead(503).end());
let port = 0;
beforeAll(async () => {
  port = await listen(server);
});
afterAll(async () => {
  server.closeAllConnections();
  await close(server);
  rmSync(folder, { recursive: true });
});

async function asked(): Promise<readonly unknown[]> {
  const signal = new AbortController().signal;
  const http = await exchangeHttp({ method: "HEAD", url: `https://127.0.0.1:${port}/`, headers: {}, idleTimeoutMs: 5_000, signal }, {}, new SystemTimers());
  const link = await new WsTransport({ timers: new SystemTimers(), clockQuality: async () => "synced" }).connect(`wss://127.0.0.1:${port}/`, { frame: () => {}, closed: () => {} }, signal);
  return [http.ok ? http.value.status : http.error.code, link.ok ? "open" : link.error.code];
}

const different = (): number => new Set(getCACertificates("default").map((pem) => pem.replaceAll(/\s/g, ""))).size;

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("trusted certificates", () => {
  test("are Node's own, the machine's store and the extra file, without duplicates", async () => {
    expect(await asked()).toEqual(["link.tls", "link.tls"]);
    const before = different();
    const store = file("store.crt", `# comment\n${VALID.cert.replaceAll("\n", "\r\n")}${VALID.cert}`);
    const trusted = trustAuthorities({ caFile: file("extra.pem", EXPIRED.cert), log: silentLog, stores: [join(folder, "none"), store, file("later.crt", NOT_YET_VALID.cert)] });
    expect(trusted).toEqual({ store, count: before + 2, damaged: 0 });
    expect(await asked()).toEqual([503, "link.http-503"]);
    expect(different()).toBe(before + 2);
  });

  test("damaged ones are counted and skipped, a missing or empty file is reported, and the rest still counts", async () => {
    const said: string[] = [];
    const log = { ...silentLog, error: (_: object, text: string) => void said.push(text), warn: (_: object, text: string) => void said.push(text) };
    const store = file("damaged.crt", `${VALID.cert.replace("BbTCC", "AAAAA")}${NOT_YET_VALID.cert}`);
    const { damaged } = trustAuthorities({ caFile: join(folder, "gone.pem"), log, stores: [store] });
    expect([damaged, said]).toEqual([1, ["cloud.caFile cannot be read and is ignored", "some trusted certificates cannot be read and are ignored"]]);
    said.length = 0;
    trustAuthorities({ caFile: file("empty.pem", "nothing"), log, stores: [] });
    expect(said).toEqual(["cloud.caFile contains no certificate"]);
  });
});

/** Runs a process with a different machine store: a private mount, no environment variable. */
const store = MACHINE_STORES.find((path) => existsSync(path));
const canMount = store !== undefined && spawnSync("unshare", ["-m", "true"]).status === 0;
if (!canMount) reportLeftOut("the machine's own certificate store with another certificate in it", "needs root (a mount namespace) and the package ca-certificates");

test.runIf(canMount)("a separate process trusts a certificate if and only if it is in the machine's store", async () => {
  const program = join(import.meta.dirname, "testing", "trust-and-ask.ts");
  const withStore = file("machine.crt", VALID.cert);
  const ask = async (prepare: string): Promise<unknown> => {
    const { stdout } = await run("unshare", ["-m", "sh", "-c", `${prepare} exec "$@"`, "sh", process.execPath, program, String(port)], { env: { PATH: process.env["PATH"] } });
    return JSON.parse(stdout);
  };
  expect(await ask("")).toEqual({ store, http: "link.tls", link: "link.tls" });
  expect(await ask(`mount --bind ${withStore} ${store ?? ""} &&`)).toEqual({ store, http: 503, link: "link.http-503" });
});
