import { mkdirSync, renameSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Timer } from "../../platform/ports/clock.ts";
import type { Log } from "../../platform/ports/log.ts";
import { nodeCrypto } from "../../platform/linux/node-crypto.ts";
import { systemClock, SystemTimers } from "../../platform/linux/system-clock.ts";
import { systemRandom } from "../../platform/linux/system-random.ts";
import { STREAMS, type Stream } from "../../agent/protocol/records.ts";
import { Cloud } from "./sessions/cloud.ts";
import type { RetentionCaps } from "./sessions/cloud-store.ts";
import type { CloudSettings } from "./sessions/context.ts";
import { SqliteStore, StoreVersionError } from "./store/sqlite-store.ts";
import { DeviceSocket } from "./server/device-socket.ts";
import { Views } from "./server/device-view.ts";
import { deviceRoutes } from "./server/device-routes.ts";
import { commandRoutes } from "./server/command-routes.ts";
import { EventStreams } from "./server/event-streams.ts";
import { HostGuard } from "./server/host-guard.ts";
import { HttpServer } from "./server/http-server.ts";
import { infoRoutes, staticFallback } from "./server/info-routes.ts";
import { FileOwnerSigner } from "./server/owner-key-file.ts";
import { Router } from "./server/router.ts";
import { SampleContent } from "./server/sample-content.ts";
import { ScreenWatcher } from "./server/screen-watcher.ts";
import type { ServerParts } from "./server/server-parts.ts";
import { SimulatedDevices } from "./server/simulated-devices.ts";
import { stateRoutes } from "./server/state-routes.ts";
import { testRoutes } from "./server/test-routes.ts";
import { UploadFiles } from "./server/upload-files.ts";
import { uploadRoutes } from "./server/upload-routes.ts";
import { UploadService } from "./server/upload-service.ts";
import type { DevCloudOptions } from "./options.ts";

export type { DevCloudOptions } from "./options.ts";

const CAPS: RetentionCaps = { records: { outcome: 20_000, alarm: 20_000, play: 100_000, event: 100_000, metric: 200_000 }, hidden: 100, commands: 5_000 };
const UPLOADS_BYTES_MAX = 512 * 1024 * 1024;
const KEEP_EVERY_MS = 10_000;
const PRUNE_ROWS = 20_000;
const LIMITS = { windowRecords: 5_000, batchRecordsMax: 500, pingIntervalMs: 30_000 } as const;

/** The running development cloud: everything wired, one `stop`. */
export interface DevCloud {
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  readonly cloud: Cloud;
  stop(): Promise<void>;
}

/** Builds and starts it. Rejects with the system's error for a taken port or a folder that cannot be used. */
export async function startDevCloud(options: Omit<DevCloudOptions, "json">, log: Log, version: string): Promise<DevCloud> {
  mkdirSync(options.data, { recursive: true, mode: 0o700 });
  const timers = new SystemTimers();
  const files = new UploadFiles(join(options.data, "uploads"), UPLOADS_BYTES_MAX);
  const store = openStore(join(options.data, "cloud.sqlite"), options, log);
  try {
    const signer = await FileOwnerSigner.open("Development", options.ownerKey ?? join(options.data, "owner-key.json"), { crypto: nodeCrypto, random: systemRandom });
    const sample = new SampleContent(options.sample);
    const address = { base: "" };
    const audiences: string[] = [];
    const settings: CloudSettings = {
      audiences, autoClaim: options.autoClaim, claimTokens: new Set(options.claimTokens), limits: LIMITS, caps: capsOf(options.recordsMax),
      get httpBase() {
        return address.base;
      },
      defaultDesired: () => sample.defaultDesired(address.base),
    };
    const cloud = new Cloud({
      clock: systemClock, timers, random: systemRandom, crypto: nodeCrypto, store, signer, log, settings, uploadsFreeBytes: () => files.freeBytes(),
    });
    const simulated = new SimulatedDevices(options.devicesDir, timers, () => systemClock.monotonicMs());
    const views = new Views(cloud, (device) => simulated.has(device));
    const uploads = new UploadService(cloud, files);
    const events = new EventStreams(cloud, views, (id) => files.offset(id));
    const parts: ServerParts = {
      cloud, views, uploads, simulated, sample, events, startedMs: systemClock.wallMs(), base: () => address.base, uploadsBytesMax: UPLOADS_BYTES_MAX, version,
    };
    const devices = new DeviceSocket(cloud, log);
    const isLoopback = options.host === "127.0.0.1" || options.host === "localhost" || options.host === "::1";
    const http = new HttpServer({
      router: routerOf(parts), guard: new HostGuard(isLoopback ? undefined : options.host), fallback: staticFallback(parts, options.dashboard),
      upgrade: (request, socket, head) => devices.upgrade(request, socket, head), log,
    });
    cloud.start();
    const port = await http.listen(options.port, options.host);
    address.base = `http://${isLoopback ? "127.0.0.1" : hostInUrl(options.host)}:${port}`;
    for (const name of new Set(["127.0.0.1", "localhost", "[::1]", hostInUrl(options.host)])) audiences.push(`ws://${name}:${port}`);
    const screens = new ScreenWatcher(cloud, () => events.watched());
    screens.start();
    const keeper = new Keeper(parts, timers, log);
    keeper.start();
    return {
      base: address.base,
      cloud,
      stop: async () => {
        keeper.stop();
        screens.stop();
        cloud.stop();
        events.close();
        devices.close();
        await http.close();
        store.close();
      },
    };
  } catch (thrown) {
    store.close();
    throw thrown;
  }
}

/** Every few seconds: caps, and a look for simulated devices. */
class Keeper {
  readonly #parts: ServerParts;
  readonly #timers: SystemTimers;
  readonly #log: Log;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ServerParts, timers: SystemTimers, log: Log) {
    this.#parts = parts;
    this.#timers = timers;
    this.#log = log;
  }

  start(): void {
    this.#round();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #round(): void {
    this.#keep().then(
      () => this.#again(),
      (thrown: unknown) => {
        this.#log.error({ error: thrown instanceof Error ? thrown.message : String(thrown) }, "keeping within the caps failed");
        this.#again();
      },
    );
  }

  #again(): void {
    if (!this.#stopped) this.#timer = this.#timers.after("cloud.keep", KEEP_EVERY_MS, () => this.#round());
  }

  async #keep(): Promise<void> {
    const { cloud, uploads, simulated } = this.#parts;
    const { store, settings } = cloud.context;
    const pruned = store.prune(settings.caps, PRUNE_ROWS);
    if (Object.keys(pruned).length > 0) this.#log.info({ pruned }, "removed the oldest beyond the caps");
    for (const row of store.devices()) uploads.prune(row.id);
    await simulated.refresh();
  }
}

function routerOf(parts: ServerParts): Router {
  const router = new Router();
  infoRoutes(router, parts);
  deviceRoutes(router, parts);
  commandRoutes(router, parts);
  stateRoutes(router, parts);
  uploadRoutes(router, parts);
  testRoutes(router, parts);
  return router;
}

function openStore(file: string, options: Pick<DevCloudOptions, "survives">, log: Log): SqliteStore {
  try {
    return new SqliteStore({ file, survives: options.survives });
  } catch (thrown) {
    const damaged = thrown instanceof StoreVersionError || (thrown instanceof Error && "code" in thrown && (thrown.code === "SQLITE_NOTADB" || thrown.code === "SQLITE_CORRUPT"));
    if (!damaged) throw thrown;
    const aside = `${file}.unusable-${systemClock.wallMs()}`;
    renameSync(file, aside);
    for (const suffix of ["-wal", "-shm"]) renameIfThere(`${file}${suffix}`, `${aside}${suffix}`);
    log.error({ error: thrown.message, movedTo: aside }, "the store could not be used; it was moved aside and a new one begun");
    return new SqliteStore({ file, survives: options.survives });
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
  }
}

function capsOf(recordsMax: number | undefined): RetentionCaps {
  if (recordsMax === undefined) return CAPS;
  return { ...CAPS, records: Object.fromEntries(STREAMS.map((stream) => [stream, recordsMax])) as Record<Stream, number> };
}

function hostInUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
