import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { DoctorAnswer, StatusAnswer } from "../../agent/node/local-api/answers.ts";

/**
 * The two commands' promise, kept by the real thing: `npm start` with its cloud, a device's agent and player
 * host with a real browser, driven by the command lines of the device and of the cloud as a person would.
 */
const ROOT = join(import.meta.dirname, "../..");
const WAIT = { timeout: 45_000, interval: 300 };

let data = "";
let port = 0;
let running: { readonly process: ChildProcess; output: string; readonly ended: Promise<number | null> } | undefined;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "vitrine-whole-"));
  port = await freePort();
  start();
  await vi.waitFor(async () => expect((await status()).screen?.verdict).toBe("showing"), { timeout: 55_000, interval: 500 });
  await vi.waitFor(async () => expect((await status()).player?.kind).toBe("playing"), WAIT);
});

afterAll(async () => {
  running?.process.kill("SIGTERM");
  await running?.ended;
  rmSync(data, { recursive: true, force: true });
});

describe("a device after its start", () => {
  test("shows the sample player, belongs to the development owner, and is online", async () => {
    const now = await status();
    expect(now.owner.kind).toBe("claimed");
    expect(now.link.kind).toBe("online");
    expect(now.desiredVersion).toBe(1);
    expect(running?.output).toContain(`Dashboard: http://127.0.0.1:${port}/`);
  });

  test("puts its picture into the cloud, and the dashboard is served", async () => {
    const shot = await cloudCommand("send", "Screen 1", "screenshot");
    expect(shot.code, shot.text).toBe(0);
    const picture = await fetch(`http://127.0.0.1:${port}/api/v1/devices/${(await status()).deviceId}/screenshot`);
    const bytes = new Uint8Array(await picture.arrayBuffer());
    expect([...bytes.slice(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
    // A menu board's compressed picture is much larger than that of any blank page.
    expect(bytes.length).toBeGreaterThan(50_000);
    const dashboard = await fetch(`http://127.0.0.1:${port}/`);
    expect(await dashboard.text()).toContain("Vitrine");
  });

  test("answers display.power with the observed effect, and the verdict follows", async () => {
    const off = await cloudCommand("send", "Screen 1", "display.power", "--on", "false", "--json");
    expect(off.code, off.text).toBe(0);
    expect(off.json).toMatchObject({ state: "succeeded", effect: { attempted: true, observed: { kind: "ok", value: "standby" } } });
    await vi.waitFor(async () => expect((await status()).screen?.verdict).toBe("dark-expected"), WAIT);
    const on = await cloudCommand("send", "Screen 1", "display.power", "--on", "true", "--json");
    expect(on.json).toMatchObject({ state: "succeeded", effect: { observed: { value: "on" } } });
    await vi.waitFor(async () => expect((await status()).screen?.verdict).toBe("showing"), WAIT);
  });

  test("reports for a deaf TV what was attempted and that no effect was observed", async () => {
    await simulated("display.mood", { mood: "deaf" });
    const answer = await cloudCommand("send", "Screen 1", "display.power", "--on", "false", "--json");
    expect(answer.code).toBe(1);
    expect(answer.json).toMatchObject({ state: "failed", effect: { attempted: true } });
    expect((answer.json as { effect: { observed: { kind: string } } }).effect.observed.kind).not.toBe("ok");
    await simulated("display.mood", { mood: "normal" });
    expect((await cloudCommand("send", "Screen 1", "display.power", "--on", "true")).code).toBe(0);
  });

  test("reports a button to the cloud, and the doctor finds no failure", async () => {
    await simulated("gpio.press", { line: "GPIO23" });
    await vi.waitFor(async () => expect(JSON.stringify(await records("event"))).toContain("GPIO23"), WAIT);
    // The sample's order call goes through the page API and returns as the page's own event.
    await vi.waitFor(async () => expect(JSON.stringify(await records("event"))).toContain("order.called"), WAIT);
    const doctor = (await vitrine("doctor", "--json")).json as DoctorAnswer;
    expect(doctor.checks.filter((check) => check.status === "failed")).toEqual([]);
  });
});

describe("when the agent is killed", () => {
  test("the picture stays: same host, same load, and plays from meanwhile arrive", async () => {
    const before = await status();
    const loads = pageLoads();
    process.kill(before.pid, "SIGKILL");
    await vi.waitFor(async () => expect((await status()).pid).not.toBe(before.pid), WAIT);
    await vi.waitFor(async () => expect((await status()).player?.kind).toBe("playing"), WAIT);
    const after = await status();
    expect(after.deviceId).toBe(before.deviceId);
    // The host counted no other load of the content.
    expect(after.player).toMatchObject({ kind: "playing", sinceMs: (before.player as { sinceMs: number }).sinceMs });
    expect(pageLoads()).toBe(loads);
    await vi.waitFor(async () => expect((await status()).link.kind).toBe("online"), WAIT);
  });

  test("a reboot ends with a new boot id and is answered after the boot", async () => {
    const before = await status();
    const reboot = await cloudCommand("send", "Screen 1", "reboot", "--reason", "test", "--json");
    expect(reboot.code, reboot.text).toBe(0);
    const result = (reboot.json as { result: { bootIdBefore: string; bootIdAfter: string } }).result;
    expect(result.bootIdBefore).toBe(before.bootId);
    expect(result.bootIdAfter).toBe((await status()).bootId);
    expect(result.bootIdAfter).not.toBe(before.bootId);
  });
});

describe("Ctrl-C", () => {
  test("leaves no process, and the next start is the same device with its history", async () => {
    await vi.waitFor(async () => expect((await status()).player?.kind).toBe("playing"), WAIT);
    const { deviceId } = await status();
    running?.process.kill("SIGINT");
    expect(await running?.ended).toBe(0);
    expect(processesOf(data)).toEqual([]);
    start();
    await vi.waitFor(async () => expect((await status()).player?.kind).toBe("playing"), { timeout: 55_000, interval: 500 });
    expect((await status()).deviceId).toBe(deviceId);
    const commands = (await vitrine("commands", "--json")).json as { commands: { name: string; state: string }[] };
    expect(commands.commands.map(({ name }) => name)).toContain("reboot");
  });
});

function start(): void {
  const child = spawn(process.execPath, [join(ROOT, "scripts/start/main.ts"), "--headless", "--port", String(port), "--data", data], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const run = { process: child, output: "", ended: new Promise<number | null>((resolve) => child.once("exit", resolve)) };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (run.output += chunk.toString()));
  running = run;
}

async function status(): Promise<StatusAnswer> {
  const answer = await vitrine("status", "--json");
  if (answer.code !== 0) throw new Error(answer.text);
  return answer.json as StatusAnswer;
}

interface Answer {
  readonly code: number;
  readonly json: unknown;
  readonly text: string;
}

function vitrine(...words: string[]): Promise<Answer> {
  return answerOf("agent/node/cli.ts", [...words, "--data", join(data, "devices/1")]);
}

function cloudCommand(...words: string[]): Promise<Answer> {
  return answerOf("scripts/dev-cloud/cli.ts", [...words, "--url", `http://127.0.0.1:${port}`]);
}

function answerOf(program: string, words: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, program), ...words], { encoding: "utf8" }, (error, stdout, stderr) => {
      const text = stdout + stderr;
      resolve({ code: typeof error?.code === "number" ? error.code : 0, json: words.includes("--json") && stdout !== "" ? JSON.parse(stdout) : undefined, text });
    });
  });
}

async function api(path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, { ...init, headers: { "content-type": "application/json" } });
  return (await response.json()) as Record<string, unknown>;
}

async function simulated(action: string, params: object): Promise<void> {
  const answer = await api(`/devices/${(await status()).deviceId}/simulated`, { method: "POST", body: JSON.stringify({ action, params }) });
  expect(answer["error"]).toBeUndefined();
}

async function records(stream: string): Promise<unknown> {
  return (await api(`/devices/${(await status()).deviceId}/records?stream=${stream}`))["records"];
}

/** How often the page was loaded, as counted by its host. */
function pageLoads(): number {
  const log = readFileSync(join(data, "devices/1/logs/player.log"), "utf8");
  return log.split("\n").filter((line) => line.includes('"msg":"loaded"')).length;
}

/** Processes with this test's folder on the command line. */
function processesOf(folder: string): readonly string[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return command.includes(folder) ? [command] : [];
    } catch {
      // It has ended, as wanted.
      return [];
    }
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const free = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
