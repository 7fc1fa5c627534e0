import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { StatusAnswer } from "../../agent/node/local-api/answers.ts";
import { systemClock } from "../../platform/linux/system-clock.ts";
import { createJsonLog } from "../../platform/node/json-log.ts";
import { findTestChromium } from "../../player-host/shells/testing/find-chromium.ts";
import { reportLeftOut } from "../check/left-out.ts";
import { maskSecrets } from "../dev-cloud/dashboard/model/masked-document.ts";
import { startDevCloud, type DevCloud } from "../dev-cloud/dev-cloud.ts";
import { ApiClient } from "../dev-cloud/testing/api-client.ts";
import type { Json, JsonObject } from "../../platform/runtime/json.ts";

const browser = findTestChromium();
if (browser === undefined) reportLeftOut("no secret in any output of a running device", "no Chromium or Chrome is on this machine");

const ROOT = resolve(import.meta.dirname, "../..");
const WAIT = { timeout: 100_000, interval: 500 } as const;

/** One secret for each way in, all with the same start, so that one search finds any. */
const CANARY = "CANARY7f3a";
const secret = (name: string): string => `${CANARY}${name}`;

/** Where the device needs the secrets, each readable only for this user. Everything else is searched. */
const HOLDERS = [/^state\.sqlite(-wal|\.marks)?$/, /^player\/scene\.json$/, /^player\/chromium\//, /^content\/downloads\//, /^simulated-world\.json$/, /^config\.json$/, /^journal\.sqlite(-wal)?$/];

describe.skipIf(browser === undefined)("secrets entered in every possible way", () => {
  let data = "";
  let cloud: DevCloud;
  let api: ApiClient;
  let site: Server;
  let origin = "";
  let deviceId = "";
  const children: ChildProcess[] = [];
  const outputs = new Map<string, string>();

  const say = (name: string, text: string): void => void outputs.set(name, (outputs.get(name) ?? "") + text);

  function run(name: string, entry: string, args: readonly string[]): void {
    const child = spawn(process.execPath, [join(ROOT, entry), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => say(`output of the ${name}`, chunk.toString()));
    children.push(child);
  }

  function vitrine(...words: string[]): Promise<string> {
    return new Promise((done) => {
      execFile(process.execPath, [join(ROOT, "agent/node/cli.ts"), ...words, "--data", join(data, "device")], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) => {
        say(`vitrine ${words.join(" ")}`, stdout + stderr);
        done(stdout);
      });
    });
  }

  const status = async (): Promise<StatusAnswer> => JSON.parse(await vitrine("status", "--json")) as StatusAnswer;
  const want = async (document: JsonObject): Promise<void> => {
    const before = (await api.get(`/devices/${deviceId}/desired`)).body["version"] as number;
    expect((await api.put(`/devices/${deviceId}/desired`, { document })).status).toBeLessThan(300);
    await vi.waitFor(async () => expect((await status()).desiredVersion).toBe(before + 1), WAIT);
  };
  const keyOf = async (key: string): Promise<JsonObject> => {
    const { body } = await api.get(`/devices/${deviceId}/desired`);
    return (body["report"] as { keys?: Record<string, JsonObject> } | null)?.keys?.[key] ?? {};
  };
  const send = async (name: string, params: Json = {}): Promise<JsonObject> => {
    const sent = (await api.post(`/devices/${deviceId}/commands`, { name, params })).body["command"] as { readonly id: string };
    return vi.waitFor(async () => {
      const now = (await api.get(`/devices/${deviceId}/commands/${sent.id}`)).body["command"] as JsonObject;
      expect(now["final"]).toBe(true);
      return now;
    }, WAIT);
  };
  const address = (path: string, port = (site.address() as AddressInfo).port): string =>
    `http://${secret("user")}:${secret("password")}@127.0.0.1:${port}${path}?token=${secret("query")}&plain=${secret("plain")}#${secret("fragment")}`;

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), "vitrine-secrets-"));
    mkdirSync(join(data, "device"), { mode: 0o700 });
    site = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://site").pathname;
      if (path === "/to-elsewhere") response.writeHead(302, { location: `/gone?token=${secret("redirect")}` }).end();
      else if (path !== "/page") response.writeHead(404, { "content-type": "text/html" }).end("<h1>nothing</h1>");
      // The page's own sources: a missing picture, a script error, its address on the console.
      else response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><body style="background:rgb(20,120,60)"><h1>picture</h1><img src="/missing.png?token=${secret("image")}">
        <script>console.error("page at " + location.href); throw new Error("broken at " + location.href)</script>`);
    });
    await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
    origin = `127.0.0.1:${(site.address() as AddressInfo).port}`;
    const log = createJsonLog([{ write: (line: string) => say("log of the cloud", line) }], "debug", systemClock).log;
    const options = { port: 0, host: "127.0.0.1", data: join(data, "cloud"), autoClaim: false, claimTokens: [secret("claim")], survives: "process" } as const;
    cloud = await startDevCloud(options, log, "test");
    api = new ApiClient(cloud.base);
    const endpoint = `${cloud.base.replace(/^http/, "ws")}/device/v1`;
    writeFileSync(join(data, "device/vitrine-provision.json"), JSON.stringify({ endpoints: [endpoint], claimToken: secret("claim") }), { mode: 0o600 });
    // Not a proxy; the issue about it must name the problem without repeating the value.
    writeFileSync(join(data, "device/config.json"), JSON.stringify({ "cloud.proxy": [`ftp://${secret("proxyuser")}:${secret("proxypassword")}@127.0.0.1:9/`] }), { mode: 0o600 });
    run("agent", "agent/node/main.ts", ["--data", join(data, "device"), "--platform", "simulated", "--log-level", "debug", "--cloud-first-connect-spread-ms", "0"]);
    run("player host", "player-host/shells/chromium/main.ts", ["--data", join(data, "device"), "--browser", browser ?? "", "--headless", "--window-size", "640x360", "--log-level", "debug"]);
    await vi.waitFor(async () => expect((await status()).owner.kind).toBe("claimed"), WAIT);
    deviceId = (await status()).deviceId;
  }, 240_000);

  afterAll(async () => {
    for (const child of children) {
      const gone = new Promise((done) => child.once("exit", done));
      if (child.exitCode === null && child.signalCode === null && child.kill("SIGTERM")) await gone;
    }
    await cloud.stop();
    site.close();
    rmSync(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }, 30_000);

  test("are used, fail and travel through the whole device", async () => {
    const config = { api: { key: secret("config"), hosts: [{ pin: 123456, url: `https://x.example/?k=${secret("configurl")}` }] } };
    await want({ content: { kind: "url", url: address("/page") }, player: { config } });
    await vi.waitFor(async () => expect((await keyOf("content"))["status"]).toBe("applied"), WAIT);
    expect(await keyOf("player.config")).toMatchObject({ status: "applied" });
    expect((await status()).player).toMatchObject({ kind: "playing", content: `http://[secret]@${origin}/page?token=[secret]&plain=[secret]#[secret]` });

    // Fails in every way: missing, redirected, unreachable, a package with the wrong hash.
    await want({ content: { kind: "url", url: address("/to-elsewhere") }, player: { config } });
    await vi.waitFor(async () => expect((await keyOf("content"))["error"] ?? (await keyOf("content"))["observed"]).toBeDefined(), WAIT);
    await want({ content: { kind: "url", url: address("/page", 9) }, player: { config } });
    await vi.waitFor(async () => expect(JSON.stringify(await keyOf("content"))).toContain("127.0.0.1:9"), WAIT);
    await want({ content: { kind: "package", url: address("/page"), sha256: "0".repeat(64), bytes: 1_000 }, player: { config } });
    await vi.waitFor(async () => expect(JSON.stringify(await keyOf("content"))).toContain("content."), WAIT);
    // Network settings that do not work: tried, and reverted by the device.
    const wifi = { ssid: "shop", security: "wpa-psk", password: secret("wifi") };
    await want({ network: { wifi, proxy: `http://${secret("proxyuser")}:${secret("proxypassword")}@127.0.0.1:9` }, content: { kind: "url", url: address("/page") }, player: { config } });
    await vi.waitFor(async () => expect((await keyOf("content"))["status"]).toBe("applied"), WAIT);
  }, 240_000);

  test("appear nowhere else", async () => {
    for (const words of [["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["config"], ["config", "--json"], ["commands", "--json"], ["events", "--json"], ["logs", "--json", "--lines", "5000"]]) await vitrine(...words);
    await vitrine("support-bundle", "--out", join(data, "bundle.zip"));
    for (const [name, bytes] of Object.entries(unzipSync(readFileSync(join(data, "bundle.zip"))))) say(`support bundle: ${name}`, Buffer.from(bytes).toString());
    for (const [name, params] of [["logs.collect", {}], ["diagnostics.run", {}], ["screenshot", {}], ["reload-player", {}]] as const) say(`outcome of ${name}`, JSON.stringify(await send(name, params)));
    for (const upload of (await api.get(`/devices/${deviceId}/uploads`)).body["uploads"] as readonly { id: string; purpose?: string; contentType?: string }[]) {
      const bytes = Buffer.from(await (await fetch(`${cloud.base}/api/v1/uploads/${upload.id}/file`)).arrayBuffer());
      if (bytes[0] === 0x1f && bytes[1] === 0x8b) say("uploaded log", gunzipSync(bytes).toString());
      say("upload", JSON.stringify(upload));
    }
    const { desiredDocument: _owners, ...detail } = (await api.get(`/devices/${deviceId}`)).body["device"] as JsonObject;
    say("cloud's view of the device", JSON.stringify(detail));
    for (const path of ["/records?limit=1000", "/commands", "/telemetry", "/uploads"]) say(`cloud's GET ${path}`, JSON.stringify((await api.get(`/devices/${deviceId}${path}`)).body));
    const desired = (await api.get(`/devices/${deviceId}/desired`)).body;
    say("the device's answer to desired state", JSON.stringify(desired["report"]));
    say("desired state in the dashboard", JSON.stringify(maskSecrets(desired["document"] as JsonObject)));
    const open: string[] = [];
    for (const path of filesBelow(join(data, "device"))) {
      const name = relative(join(data, "device"), path);
      const isHolder = HOLDERS.some((holder) => holder.test(name));
      const closedByFolder = name.includes("/chromium/") || name.startsWith("content/");
      if (isHolder && !closedByFolder && (statSync(path).mode & 0o077) !== 0) open.push(name);
      if (!isHolder) say(`file ${name}`, readFileSync(path, "latin1"));
    }
    expect(open).toEqual([]);
    expect(statSync(join(data, "device/player")).mode & 0o077).toBe(0);
    // Proves that the search works: the secrets are where they must be.
    expect(readFileSync(join(data, "device/player/scene.json"), "utf8")).toContain(secret("password"));
    expect(outputs.get("support bundle: logs/player.log")).toContain("[secret]");
    const leaks = [...outputs].flatMap(([name, text]) => [...new Set(text.match(new RegExp(`.{0,120}${CANARY}[a-z]*`, "g")) ?? [])].slice(0, 5).map((where) => `${name}: ${where}`));
    expect(leaks).toEqual([]);
  }, 240_000);
});

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}
