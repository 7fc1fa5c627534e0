import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "../../../../agent/node/local-api/local-server.ts";
import { simulatedMethods } from "../../../../agent/node/local-api/simulated-methods.ts";
import { systemClock, SystemTimers } from "../../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../../platform/linux/system-random.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { ok } from "../../../../platform/ports/result.ts";
import { SimulatedWorld } from "../../../../platform/simulated/world.ts";
import { buildPages } from "../../../build/build-pages.ts";
import { startDevCloud, type DevCloud } from "../../dev-cloud.ts";
import { StageDevice, type StagePlan } from "./stage-device.ts";

const ROOT = join(import.meta.dirname, "../../../..");

/** The real development cloud with the dashboard built from source, and scripted devices connected to it. */
export class StageSet {
  readonly folder: string;
  readonly #pages: string;
  cloud: DevCloud;
  readonly #devices: StageDevice[] = [];
  readonly #ends = new AbortController();
  readonly #running: Promise<void>[] = [];

  private constructor(folder: string, pages: string, cloud: DevCloud) {
    this.folder = folder;
    this.#pages = pages;
    this.cloud = cloud;
  }

  static async open(): Promise<StageSet> {
    const folder = mkdtempSync(join(tmpdir(), "vitrine-dashboard-"));
    const pages = join(folder, "pages");
    // `buildPages` takes paths relative to the root.
    await buildPages(ROOT, { from: "scripts/dev-cloud/dashboard", to: relativeTo(pages) });
    return new StageSet(folder, pages, await start(folder, pages, 0));
  }

  get url(): string {
    return this.cloud.base;
  }

  /** Connects a device. Claims it under `name`, if given. */
  async add(plan: StagePlan, name?: string): Promise<StageDevice> {
    const device = await StageDevice.connect(this.url, plan);
    this.#devices.push(device);
    if (name !== undefined) await this.claim(device, name);
    return device;
  }

  async claim(device: StageDevice, name: string): Promise<void> {
    const { pairing } = await this.summary(device.id);
    const response = await this.call("POST", "/claim", { code: pairing?.code, name });
    if (!response.ok) throw new Error(`not claimed: ${await response.text()}`);
  }

  async summary(id: string): Promise<{ readonly pairing?: { readonly code: string } }> {
    const response = await this.call("GET", `/devices/${id}`);
    return ((await response.json()) as { device: { pairing?: { code: string } } }).device;
  }

  call(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.url}/api/v1${path}`, { method, ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }) });
  }

  /** Gives a device the admin socket of a simulated device, backed by a simulated world. */
  async simulate(device: StageDevice): Promise<SimulatedWorld> {
    const world = new SimulatedWorld({ clock: systemClock, timers: new SystemTimers(), random: systemRandom });
    world.setHooks({ onFreezePlayer: () => undefined, onKillPlayer: () => undefined, onPowerCut: () => undefined });
    const path = join(this.folder, "devices", device.id.slice(0, 8), "run", "agent.sock");
    const methods = { status: () => Promise.resolve(ok({ deviceId: device.id })), ...simulatedMethods(world) };
    this.#running.push(new LocalServer(path, methods, silentLog).run(this.#ends.signal));
    this.#ends.signal.addEventListener("abort", () => world.close(), { once: true });
    await listed(this, device.id);
    return world;
  }

  /** Restarts the server on the same port and data. */
  async restart(between: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const port = Number(new URL(this.url).port);
    await this.cloud.stop();
    await between();
    this.cloud = await start(this.folder, this.#pages, port);
  }

  async close(): Promise<void> {
    for (const device of this.#devices) await device.leave();
    this.#ends.abort();
    await Promise.all(this.#running);
    await this.cloud.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function start(folder: string, pages: string, port: number): Promise<DevCloud> {
  const devicesDir = join(folder, "devices");
  mkdirSync(devicesDir, { recursive: true });
  const options = { port, host: "127.0.0.1", data: join(folder, "cloud"), devicesDir, dashboard: pages, autoClaim: false, claimTokens: [], survives: "process" } as const;
  return startDevCloud(options, silentLog, "0.0.0-test");
}

/** Waits until the server has found the device's socket; each request makes it search. */
async function listed(set: StageSet, id: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const response = await set.call("GET", `/devices/${id}/simulated`);
    if (response.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("the server did not find the simulated device's socket");
}

function relativeTo(path: string): string {
  return path.startsWith("/") ? join("../".repeat(ROOT.split("/").length - 1), path) : path;
}
