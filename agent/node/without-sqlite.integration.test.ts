import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { socketPlaceOf } from "../../platform/node/socket-folder.ts";
import { socketPath } from "../../player-host/contract/socket-path.ts";
import { buildBundle } from "../../scripts/build/build-bundle.ts";
import { startDevCloud, type DevCloud } from "../../scripts/dev-cloud/dev-cloud.ts";
import { ApiClient } from "../../scripts/dev-cloud/testing/api-client.ts";
import type { StatusAnswer } from "./local-api/answers.ts";
import { askAgent } from "./local-api/local-client.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const DRIVER = "node_modules/better-sqlite3";
/** File names as in the package: this machine's native file, and one that no x64 or arm64 machine can load. */
const NATIVE = `${DRIVER}/prebuilds/${process.platform}-${process.arch}.node`;
const FOREIGN = `${DRIVER}/prebuilds/${process.platform}-${process.arch === "arm64" ? "x64" : "arm64"}.node`;

let installed = "";
let data = "";
let cloud: DevCloud;
let api: ApiClient;
let agent: ChildProcess | undefined;

/** The agent as installed: its bundle and the SQLite driver with only this machine's native file. */
beforeAll(async () => {
  installed = mkdtempSync(join(tmpdir(), "vitrine-installed-"));
  await buildBundle(ROOT, { entry: "agent/node/main.ts", output: join(installed, "dist/agent/main.js"), target: "node" });
  writeFileSync(join(installed, "package.json"), '{"type":"module"}');
});
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "vitrine-no-sqlite-"));
  install();
  const options = { port: 0, host: "127.0.0.1", data: join(data, "cloud"), autoClaim: true, claimTokens: [], survives: "process" } as const;
  cloud = await startDevCloud(options, silentLog, "test");
  api = new ApiClient(cloud.base);
});
afterEach(async () => {
  await end("SIGKILL");
  await cloud.stop();
  rmSync(data, { recursive: true, force: true });
});
afterAll(() => rmSync(installed, { recursive: true, force: true }));

function install(): void {
  rmSync(join(installed, DRIVER), { recursive: true, force: true });
  mkdirSync(join(installed, DRIVER, "prebuilds"), { recursive: true });
  for (const part of ["package.json", "lib"]) cpSync(join(ROOT, DRIVER, part), join(installed, DRIVER, part), { recursive: true });
  copyFileSync(join(ROOT, NATIVE), join(installed, NATIVE));
}

function start(): void {
  const device = join(data, "device");
  const endpoint = `${cloud.base.replace(/^http/, "ws")}/device/v1`;
  agent = spawn(process.execPath, [join(installed, "dist/agent/main.js"), "--data", device, "--platform", "simulated", "--cloud-endpoints", endpoint], { stdio: "ignore" });
}

async function end(signal: NodeJS.Signals): Promise<void> {
  if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
  const gone = new Promise((done) => agent?.once("exit", done));
  agent.kill(signal);
  await gone;
}

async function status(): Promise<StatusAnswer | undefined> {
  expect([agent?.exitCode, agent?.signalCode]).toEqual([null, null]);
  const answer = await askAgent(socketPath("agent.sock", socketPlaceOf(join(data, "device"))).path, "status", {}, 5_000);
  return answer.ok ? (answer.value as StatusAnswer) : undefined;
}

async function ownedAndOnline(): Promise<StatusAnswer> {
  await expect.poll(async () => {
    const now = await status();
    return [now?.owner.kind, now?.link.kind];
  }, { timeout: 40_000 }).toEqual(["claimed", "online"]);
  const now = await status();
  if (now === undefined) throw new Error("the agent went away");
  return now;
}

const alarmsOf = (now: StatusAnswer | undefined): readonly string[] => (now?.alarms ?? []).map(({ code, severity }) => `${code} ${severity}`);

test.each<[string, () => void]>([
  ["is truncated", () => truncateSync(join(installed, NATIVE), 4_096)],
  ["is empty", () => truncateSync(join(installed, NATIVE), 0)],
  ["is missing", () => rmSync(join(installed, NATIVE))],
  ["is missing with its whole package", () => rmSync(join(installed, DRIVER), { recursive: true })],
])("a SQLite driver whose native file %s does not keep the agent down, and is a critical alarm", async (_what, damage) => {
  damage();
  start();
  await expect.poll(async () => alarmsOf(await status()), { timeout: 20_000 }).toContain("storage.unavailable critical");
}, 60_000);

test("with a driver for another processor, a new device starts and is claimed, and the cloud gets the critical alarm", async () => {
  copyFileSync(join(ROOT, FOREIGN), join(installed, NATIVE));
  start();
  const { deviceId } = await ownedAndOnline();
  const told = async (): Promise<string> => JSON.stringify((await api.get(`/devices/${deviceId}/records?stream=alarm`)).body);
  await expect.poll(told, { timeout: 10_000 }).toContain("storage.unavailable");
}, 60_000);

test("an existing device continues without SQLite: it keeps owner, settings and commands through a kill, and later returns to its database", async () => {
  start();
  const { deviceId } = await ownedAndOnline();
  const want = (level: string): Promise<unknown> => api.put(`/devices/${deviceId}/desired`, { document: { log: { level } } });
  const versionIs = async (version: number): Promise<void> => {
    await expect.poll(async () => (await status())?.desiredVersion, { timeout: 10_000 }).toBe(version);
  };
  type Sent = { readonly command: { readonly id: string; readonly state: string } };
  const send = async (): Promise<string> => ((await api.post(`/devices/${deviceId}/commands`, { name: "display.power", params: { on: true } })).body as Sent).command.id;
  const stateOf = async (id: string): Promise<string> => ((await api.get(`/devices/${deviceId}/commands/${id}`)).body as Sent).command.state;
  await want("debug");
  await versionIs(1);
  await end("SIGTERM");

  copyFileSync(join(ROOT, FOREIGN), join(installed, NATIVE));
  start();
  expect((await ownedAndOnline()).desiredVersion).toBe(1);
  await want("info");
  await versionIs(2);
  const id = await send();
  await expect.poll(() => stateOf(id), { timeout: 15_000 }).toBe("succeeded");
  await end("SIGKILL");
  start();
  expect((await ownedAndOnline()).desiredVersion).toBe(2);
  await end("SIGTERM");
  expect(existsSync(join(data, "device/state.fallback.json"))).toBe(true);

  install();
  start();
  const back = await ownedAndOnline();
  expect(back.desiredVersion).toBe(2);
  await expect.poll(async () => alarmsOf(await status())).not.toContain("storage.unavailable critical");
  expect(existsSync(join(data, "device/state.fallback.json"))).toBe(false);
}, 180_000);
