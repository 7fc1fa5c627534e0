import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { VALID } from "../../../agent/node/transport/testing/test-certificates.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import type { HostMessage, StageScene } from "../../contract/link-messages.ts";
import { playerSocketPath } from "../../contract/socket-path.ts";
import { FakeAgent } from "../testing/fake-agent.ts";
import { findTestChromium } from "../testing/find-chromium.ts";
import { openLoadingSite, type LoadingSite } from "../testing/loading-site.ts";
import { freeProfile } from "./profile-guard.ts";

const browser = findTestChromium();
if (browser === undefined) reportLeftOut("what the player host says of its loads, on Chromium", "no Chromium or Chrome is on this machine");
const MAIN = join(import.meta.dirname, "main.ts");

type Stage = Extract<HostMessage, { t: "stage" }>;

describe.skipIf(browser === undefined)("what a player host with a real browser does and reports when", () => {
  let dataDir: string;
  let agent: FakeAgent;
  let site: LoadingSite;
  let host: ChildProcess | undefined;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "vitrine-loads-"));
    site = await openLoadingSite();
  });
  afterEach(async () => {
    await end(host);
    host = undefined;
    await agent.stop();
    await site.close();
    await freeProfile(join(dataDir, "player", "chromium"), silentLog);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  async function start(scene: StageScene, before: readonly string[] = []): Promise<void> {
    const dataDirSha256Hex = createHash("sha256").update(dataDir).digest("hex");
    agent = new FakeAgent(playerSocketPath({ dataDir, tmpDir: tmpdir(), dataDirSha256Hex }).path, scene);
    await agent.start();
    run(before);
  }
  function run(before: readonly string[] = []): void {
    const [command, ...args] = [...before, process.execPath, MAIN, "--data", dataDir, "--browser", browser ?? "", "--headless", "--window-size", "640x360"];
    host = spawn(command, args, { stdio: "ignore" });
  }
  const stages = (from = 0): Stage[] => agent.heard.slice(from).flatMap((message) => (message.t === "stage" ? [message] : []));
  const playing = (from = 0): Promise<Stage> => agent.hears("stage", from, ({ stage }) => stage.kind === "playing");
  /** Failed loads; a slow start of the browser is not one. */
  const failures = (from = 0): Stage[] => stages(from).filter(({ stage }) => stage.kind === "failed" && !stage.error.startsWith("no browser"));
  const load = ({ picture }: Stage): string => picture.evidence.find(({ witness }) => witness === "load")?.says ?? "";

  test("a captive portal answers for the content: the good picture stays, the verdict says where the content leads, and it is back soon after", async () => {
    await start(contentAt(site.url("/reloads-itself")));
    await playing();
    const from = agent.heard.length;
    site.portal(true);
    await agent.request({ do: "reload", ignoreCache: false });
    const held = await agent.hears("stage", from, (message) => load(message).includes("content.elsewhere"));
    expect(held.stage.kind).toBe("playing");
    expect(load(held)).toContain(new URL(site.foreignUrl("/")).origin);
    await agent.request({ do: "page-message", message: "the page reloads itself, and cannot either" });
    expect(agent.heard.slice(from).filter(({ t }) => t === "page-event")).toEqual([]);
    site.portal(false);
    const born = await agent.hears("page-event", from);
    expect(born.data).toEqual({ at: "/reloads-itself" });
    expect(stages(from).every(({ stage }) => stage.kind === "playing")).toBe(true);
  });

  test("content leads to a sign-in that its owner did not name: not applied and no good picture, until it is named", async () => {
    const url = site.url(`/leads?how=meta&to=${encodeURIComponent(site.foreignUrl("/other"))}`);
    await start(contentAt(url));
    // The fault page may be on before the load has failed.
    const failed = await agent.hears("stage", 0, ({ picture, stage }) => picture.verdict === "error-page" && stage.kind === "failed");
    expect(failed.stage).toMatchObject({ kind: "failed", error: expect.stringContaining("content.leads-elsewhere") as string });
    const from = agent.heard.length;
    agent.setScene(contentAt(url, [new URL(site.foreignUrl("/")).origin]));
    await agent.hears("page-event", from, (message) => (message.data as { at: string }).at === "/other");
    expect((await playing(from)).picture.verdict).not.toBe("error-page");
  });

  test("content redirects in a circle: our fault page is on, and nothing else is reported of it", async () => {
    await start(contentAt(site.url("/circle")));
    await agent.hears("stage", 0, (message) => load(message).includes("our fault page is on"));
    const from = agent.heard.length;
    const circles = site.hits("/circle");
    await agent.hears("stage", from, () => site.hits("/circle") > circles + 20, 60_000);
    for (const message of stages(from)) {
      expect(message.picture.verdict).toBe("error-page");
      expect(message.stage).toMatchObject({ kind: "failed", error: expect.stringContaining("http.redirect-loop") as string });
    }
  }, 90_000);

  test("an app with its own service worker starts without its origin: it is on at once, with none of our pages before it", async () => {
    await start(contentAt(site.url("/worker")));
    await agent.hears("page-event", 0);
    await playing();
    await end(host, "SIGTERM");
    await site.goDown();
    const from = agent.heard.length;
    run();
    await playing(from);
    expect(stages(from).filter((message) => load(message).includes("our "))).toEqual([]);
    expect(failures(from)).toEqual([]);
  });

  test("an app with its own service worker starts while its origin drops every packet: it is on as soon, with none of our pages before it", async () => {
    const web = await startSiteApart();
    const held: Socket[] = [];
    try {
      await start(contentAt(web.url));
      await agent.hears("page-event", 0);
      await playing();
      await end(host, "SIGTERM");
      web.process.kill("SIGSTOP");
      expect(await fillBacklog(Number(new URL(web.url).port), held)).toBe("full");
      const from = agent.heard.length;
      run();
      await playing(from);
      expect(stages(from).filter((message) => load(message).includes("our "))).toEqual([]);
      expect(failures(from)).toEqual([]);
    } finally {
      for (const socket of held) socket.destroy();
      await end(web.process);
    }
  }, 90_000);

  test("a server accepts the connection but is slower than the probe waits: the browser loads it anyway, and the picture stays until the new one is there", async () => {
    await start(contentAt(site.url("/board")));
    await agent.hears("stage", 0, ({ picture }) => picture.verdict === "showing" && picture.confidence > 0.9);
    const from = agent.heard.length;
    const held = site.url("/held");
    agent.setScene({ kind: "content", content: { kind: "url", id: "slow", url: held, grants: [] } });
    // One request by the probe, and one by the browser.
    await vi.waitUntil(() => site.hits("/held") >= 2, { timeout: 30_000, interval: 50 });
    // Longer than the three looks without a frame that would end a renderer.
    await wait(15_000);
    expect(stages(from).length).toBeGreaterThan(0);
    for (const message of stages(from)) {
      expect(message.picture.verdict, JSON.stringify(message)).toBe("showing");
      expect(load(message)).toContain("content test-page is on, not what is wanted");
    }
    site.release();
    await agent.hears("stage", from, ({ stage }) => stage.kind === "playing" && stage.content === "slow");
    expect(failures(from)).toEqual([]);
  }, 90_000);

  describe("its address cannot be shown, it explains the reason in our own words", () => {
    const servers: (Server & { closeAllConnections?(): void })[] = [];
    afterEach(async () => {
      for (const server of servers.splice(0)) {
        server.closeAllConnections?.();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    });
    const portOf = async (server: Server): Promise<number> => {
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
      return (server.address() as AddressInfo).port;
    };

    test.each<[string, () => Promise<string>, string]>([
      ["something that is not HTTP", async () => `http://127.0.0.1:${await portOf(createTcpServer((socket) => void socket.on("error", () => undefined).resume().end("SSH-2.0-x\r\n")))}/`, "http.bad-answer"],
      ["a port from which no browser loads", () => Promise.resolve("http://127.0.0.1:6000/"), "content.forbidden-port"],
      ["a certificate that nobody vouches for", async () => `https://127.0.0.1:${await portOf(createTlsServer(VALID, (_request, response) => response.end()))}/`, "tls.unknown-issuer"],
      ["plain HTTP where TLS should be", () => Promise.resolve(site.url("/blue").replace("http:", "https:")), "tls.handshake"],
    ])("%s", async (_name, address, code) => {
      await start(contentAt(await address()));
      const failed = await agent.hears("stage", 0, ({ stage }) => stage.kind === "failed" && stage.error.startsWith(code));
      expect(JSON.stringify(failed)).not.toMatch(/ERR_|HPE_|Parse Error|SSL routines/);
      await agent.hears("stage", 0, (message) => load(message).includes("our fault page is on"));
    });
  });

  const world = plainHttpWorld();
  if ("why" in world) reportLeftOut("plain http on a public name", world.why);
  test.skipIf("why" in world)("plain http is on a public name: it is on at the first attempt, with none of our pages before it", async () => {
    const hosts = join(dataDir, "hosts");
    await writeFile(hosts, `127.0.0.1 localhost\n127.0.0.1 ${PUBLIC_NAME}\n`);
    const server = `require("node:http").createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>plain")).listen(80, "127.0.0.1", () => console.log("up"))`;
    const inside = `mount --bind ${hosts} /etc/hosts && ip link set lo up && exec "$0" -e '${server}'`;
    const web = spawn("unshare", ["--net", "--mount", "sh", "-c", inside, process.execPath], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await new Promise((resolve) => web.stdout.once("data", resolve));
      await start(contentAt(`http://${PUBLIC_NAME}/`), ["nsenter", "--target", String(web.pid), "--net", "--mount"]);
      await playing();
      expect(failures()).toEqual([]);
    } finally {
      await end(web);
    }
  });
});

/** The loading site in a process of its own, which can be stopped. */
async function startSiteApart(): Promise<{ readonly process: ChildProcess; readonly url: string }> {
  const code = `import { openLoadingSite } from ${JSON.stringify(join(import.meta.dirname, "../testing/loading-site.ts"))}; console.log((await openLoadingSite()).url("/worker"));`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise<string>((resolve) => child.stdout.once("data", (text: Buffer) => resolve(text.toString().trim())));
  return { process: child, url };
}

/** Fills the accept queue of a stopped listener: the kernel then drops connection attempts, like a network that is cut. */
async function fillBacklog(port: number, held: Socket[]): Promise<"full" | "not full"> {
  for (let n = 0; n < 5_000; n += 1) {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    held.push(socket);
    const connected = await Promise.race([new Promise((resolve) => socket.once("connect", () => resolve(true))), wait(1_000, false)]);
    if (connected !== true) return "full";
  }
  return "not full";
}

/** A public-looking name that only the test's own network knows. */
const PUBLIC_NAME = "menu.signage-example.com";

function contentAt(url: string, origins?: string[]): StageScene {
  return { kind: "content", content: { kind: "url", id: "test-page", url, grants: [], ...(origins && { origins }) } };
}

/** Whether this machine allows an own network namespace and hosts file, which port 80 and a public-looking name need. */
function plainHttpWorld(): { readonly why: string } | Record<never, never> {
  const tried = spawnSync("unshare", ["--net", "--mount", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
  return tried.status === 0 ? {} : { why: `no network namespace can be made here: ${(tried.error?.message ?? tried.stderr).trim()}` };
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}
