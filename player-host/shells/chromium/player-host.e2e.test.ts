import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import type { HostMessage, StageScene } from "../../contract/link-messages.ts";
import { playerSocketPath } from "../../contract/socket-path.ts";
import { FakeAgent } from "../testing/fake-agent.ts";
import { findTestChromium } from "../testing/find-chromium.ts";
import { browsersOn, freeProfile } from "./profile-guard.ts";

const browser = findTestChromium();
if (browser === undefined) reportLeftOut("the player host as a process, on Chromium", "no Chromium or Chrome is on this machine");

const MAIN = join(import.meta.dirname, "main.ts");
const PAGE = `<!doctype html><body style="margin:0;background:rgb(20,120,60)"><h1>picture</h1><script>
  const born = Math.random().toString(36).slice(2);
  let count = 0;
  const beat = () => vitrine.emit("beat", { born, count: count++ }).catch(console.warn);
  beat(); setInterval(beat, 300);
</script>`;

type Stage = Extract<HostMessage, { t: "stage" }>;

describe.skipIf(browser === undefined)("the player host process with a real browser", () => {
  let dataDir: string;
  let agent: FakeAgent;
  let origin: Origin;
  let host: ChildProcess | undefined;

  beforeAll(async () => {
    origin = await Origin.open();
  });
  afterAll(() => origin.close());

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "vitrine-host-"));
    agent = new FakeAgent(socketOf(dataDir), sceneOf(origin.url));
    await origin.up();
    await agent.start();
  });

  afterEach(async () => {
    if (host?.exitCode === null && host.signalCode === null) {
      const ended = exitOf(host);
      host.kill("SIGKILL");
      await ended;
    }
    host = undefined;
    await agent.stop();
    await freeProfile(profileOf(dataDir), silentLog);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  function startHost(env: Record<string, string> = {}): ChildProcess {
    const flags = ["--data", dataDir, "--browser", browser ?? "", "--headless", "--window-size", "640x360"];
    return spawn(process.execPath, [MAIN, ...flags], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } });
  }

  async function playing(): Promise<string> {
    host = startHost();
    await agent.hears("stage", 0, (message) => message.stage.kind === "playing");
    return bornAfter(0);
  }

  async function bornAfter(from: number): Promise<string> {
    const beat = await agent.hears("page-event", from, (message) => message.name === "beat");
    return (beat.data as { born: string }).born;
  }

  function verdict(from: number, wanted: Stage["picture"]["verdict"]): Promise<Stage> {
    return agent.hears("stage", from, (message) => message.picture.verdict === wanted);
  }

  test("shows content by URL and reports that it is showing", async () => {
    await playing();
    const seen = await agent.hears("stage", 0, ({ picture }) => picture.verdict === "showing" && picture.confidence > 0.9);
    expect(seen.picture.evidence.map(({ witness }) => witness)).toEqual(["load", "frame", "capture"]);
    const shot = await agent.request({ do: "screenshot", format: "png", widthMax: 320 });
    expect(shot).toMatchObject({ ok: true, result: { format: "png", width: 320 } });
    expect(await agent.request({ do: "identify", text: "Lobby", durationMs: 100 })).toMatchObject({ ok: true });
    expect(await agent.request({ do: "page-message", message: { order: 42 } })).toMatchObject({ ok: true });
  });

  test("keeps the picture in an outage, without an error page; a reload waits until the origin answers", async () => {
    const born = await playing();
    await origin.down();
    const from = agent.heard.length;
    expect(await agent.request({ do: "reload", ignoreCache: true })).toMatchObject({ ok: true });
    await agent.hears("stage", from, (message) => message.picture.evidence.some(({ says }) => says.includes("net.connection-refused")));
    const during = agent.heard.length;
    expect(await bornAfter(during)).toBe(born);
    expect((await agent.hears("stage", from)).stage.kind).toBe("playing");
    await origin.up();
    const reborn = await agent.hears("page-event", during, (message) => (message.data as { born: string }).born !== born);
    expect(reborn.name).toBe("beat");
  });

  test("content that answers 404 has failed through every retry; the old picture stays", async () => {
    const born = await playing();
    const from = agent.heard.length;
    const missing = origin.url + "nothere";
    agent.setScene({ kind: "content", content: { kind: "url", id: missing, url: missing, grants: [] } });
    await agent.hears("stage", from, (message) => message.stage.kind === "failed");
    // Each attempt is one request by the probe and one by the browser: the first attempt and three more.
    await origin.missesAbove(7);
    const settled = agent.heard.length;
    expect(await bornAfter(settled)).toBe(born);
    const stages = agent.heard.slice(from).flatMap((message) => (message.t === "stage" ? [message] : []));
    expect(stages.filter(({ stage }) => stage.kind === "playing" && stage.content === missing)).toEqual([]);
    const last = stages.at(-1);
    expect(last?.stage).toMatchObject({ kind: "failed", content: missing, error: expect.stringContaining("http.404") as string });
    expect(last?.picture.evidence[0]?.says).toContain("content test-page is on, not what is wanted");
  }, 60_000);

  test.each([false, true])("loads the content again when asked to clear the cache (storage: %s)", async (storage) => {
    await playing();
    const before = await agent.hears("stage", 0, (message) => message.stage.kind === "playing");
    const loads = before.stage.kind === "playing" ? before.stage.loads : 0;
    const from = agent.heard.length;
    expect(await agent.request({ do: "clear-cache", storage })).toMatchObject({ ok: true });
    await agent.hears("stage", from, ({ stage }) => stage.kind === "playing" && stage.loads > loads, 15_000);
  });

  test("shows no sign of the agent's death and loses nothing that the page said meanwhile", async () => {
    const born = await playing();
    await agent.stop();
    await fileAppears(join(dataDir, "player", "spool.jsonl"));
    const from = agent.heard.length;
    await agent.start();
    await agent.hears("host-hello", from);
    const after = await agent.hears("page-event", from, (message) => (message.data as { count: number }).count >= 10);
    expect((after.data as { born: string }).born).toBe(born);
    const counts = new Set(agent.heard.flatMap((message) => (message.t === "page-event" ? [(message.data as { count: number }).count] : [])));
    for (let count = 0; count <= 10; count += 1) expect(counts, `beat ${count}`).toContain(count);
  });

  test("starts with the last scene while the agent is away", async () => {
    await playing();
    const stopped = exitOf(host);
    host?.kill("SIGTERM");
    expect(await stopped).toBe(0);
    await agent.stop();
    const hits = origin.hits;
    host = startHost();
    await origin.hitsAbove(hits);
    await agent.start();
    const from = agent.heard.length;
    const hello = await agent.hears("host-hello", from);
    expect(hello.scene).toEqual(sceneOf(origin.url));
  });

  test("notices a killed renderer at once and brings the picture back", async () => {
    const born = await playing();
    await verdict(0, "showing");
    const from = agent.heard.length;
    for (const pid of await renderersOf(dataDir)) process.kill(pid, "SIGKILL");
    await verdict(from, "error-page");
    const reborn = await agent.hears("page-event", from, (message) => (message.data as { born: string }).born !== born);
    expect(reborn.name).toBe("beat");
    await verdict(from, "showing");
  });

  test("reports a stopped renderer as frozen and replaces it", async () => {
    const born = await playing();
    await verdict(0, "showing");
    const from = agent.heard.length;
    for (const pid of await renderersOf(dataDir)) process.kill(pid, "SIGSTOP");
    const frozen = await verdict(from, "frozen");
    expect(frozen.picture.evidence.find(({ witness }) => witness === "frame")?.says).toContain("the renderer does not answer");
    await agent.hears("page-event", from, (message) => (message.data as { born: string }).born !== born, 60_000);
    await verdict(agent.heard.length, "showing");
  }, 120_000);

  test("restarts a killed browser", async () => {
    const born = await playing();
    const from = agent.heard.length;
    for (const pid of await browsersOn(profileOf(dataDir))) process.kill(pid, "SIGKILL");
    const reborn = await agent.hears("page-event", from, (message) => (message.data as { born: string }).born !== born);
    expect(reborn.name).toBe("beat");
  });

  test("ends host and browser on SIGTERM before its own deadline and leaves no process", async () => {
    await playing();
    const stopped = exitOf(host);
    host?.kill("SIGTERM");
    expect(await stopped).toBe(0);
    // The last line is missing if the deadline of 1.9 s cuts it off.
    expect(await readFile(join(dataDir, "logs", "player.log"), "utf8")).toContain('"msg":"player host ends"');
    expect(await leftOn(dataDir)).toEqual([]);
  });

  test("takes the browser with it on SIGKILL", async () => {
    await playing();
    const stopped = exitOf(host);
    host?.kill("SIGKILL");
    await stopped;
    expect(await leftOn(dataDir)).toEqual([]);
  });

  test("ends with 75 when asked to restart", async () => {
    await playing();
    const stopped = exitOf(host);
    expect(await agent.request({ do: "restart" })).toMatchObject({ ok: true });
    expect(await stopped).toBe(75);
    expect(await leftOn(dataDir)).toEqual([]);
  });

  test("prints one clear sentence and ends when another host uses the data folder", async () => {
    await playing();
    const second = startHost();
    let said = "";
    second.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await exitOf(second)).toBe(65);
    expect(said).toMatch(/A player host already runs on this data folder: process \d+ holds /);
  });

  test("stops when its launcher is gone", async () => {
    const launcher = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    host = startHost({ VITRINE_PARENT_PID: String(launcher.pid) });
    await agent.hears("stage", 0, (message) => message.stage.kind === "playing");
    const stopped = exitOf(host);
    launcher.kill("SIGKILL");
    expect(await stopped).toBe(0);
    expect(await leftOn(dataDir)).toEqual([]);
  });
});

function sceneOf(url: string): StageScene {
  return { kind: "content", content: { kind: "url", id: "test-page", url, grants: [] } };
}

function profileOf(dataDir: string): string {
  return join(dataDir, "player", "chromium");
}

function socketOf(dataDir: string): string {
  const dataDirSha256Hex = createHash("sha256").update(dataDir).digest("hex");
  return playerSocketPath({ dataDir, tmpDir: tmpdir(), dataDirSha256Hex }).path;
}

function exitOf(child: ChildProcess | undefined): Promise<number | null> {
  if (child === undefined) return Promise.reject(new Error("there is no process"));
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}

/** Waits until the host has spooled something for an absent agent. */
async function fileAppears(path: string): Promise<void> {
  await vi.waitFor(async () => expect((await stat(path)).size).toBeGreaterThan(0), { timeout: 15_000, interval: 50 });
}

/** Renderers among the descendants of the host's browser, because a renderer's own flags do not name the profile. */
async function renderersOf(dataDir: string): Promise<number[]> {
  const ours = new Set(await browsersOn(profileOf(dataDir)));
  const found: number[] = [];
  for (const entry of (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b))) {
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (!ours.has(parent)) continue;
    ours.add(Number(entry));
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (line.includes("--type=renderer")) found.push(Number(entry));
  }
  expect(found.length).toBeGreaterThan(0);
  return found;
}

/** Processes that still name the profile after the browser had a moment to end. */
async function leftOn(dataDir: string): Promise<number[]> {
  const look = async (): Promise<number[]> => browsersOn(profileOf(dataDir));
  await vi.waitUntil(async () => (await look()).length === 0, { timeout: 5_000, interval: 50 }).catch(() => undefined);
  return look();
}

/** The content's server, which can stop and restart on the same port. */
class Origin {
  hits = 0;
  /** Number of requests for `/nothere`, which answers 404. */
  misses = 0;
  #server: Server;
  #port = 0;
  readonly #wakes = new Set<() => void>();

  private constructor() {
    this.#server = createServer();
  }

  static async open(): Promise<Origin> {
    const origin = new Origin();
    await origin.up();
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  async up(): Promise<void> {
    if (this.#server.listening) return;
    this.#server = createServer((request, response) => {
      const missing = request.url === "/nothere";
      if (missing) this.misses += 1;
      else this.hits += 1;
      for (const wake of this.#wakes) wake();
      if (missing) return void response.writeHead(404).end("none");
      response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", () => resolve()));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async hitsAbove(count: number): Promise<void> {
    while (this.hits <= count) await new Promise<void>((resolve) => this.#wakes.add(resolve));
  }

  async missesAbove(count: number): Promise<void> {
    while (this.misses <= count) await new Promise<void>((resolve) => this.#wakes.add(resolve));
  }

  close(): Promise<void> {
    return this.#server.listening ? this.down() : Promise.resolve();
  }
}
