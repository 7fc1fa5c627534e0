import { mkdirSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Log } from "../../platform/ports/log.ts";
import { nodeCrypto } from "../../platform/linux/node-crypto.ts";
import { systemClock, SystemTimers } from "../../platform/linux/system-clock.ts";
import { systemRandom } from "../../platform/linux/system-random.ts";
import { PING_INTERVAL_MS } from "../../agent/protocol/limits.ts";
import { STREAMS, type Stream } from "../../agent/protocol/records.ts";
import { Cloud } from "./sessions/cloud.ts";
import type { RetentionCaps } from "./sessions/cloud-store.ts";
import type { CloudSettings } from "./sessions/context.ts";
import { openStore } from "./store/open-store.ts";
import type { SqliteStore } from "./store/sqlite-store.ts";
import { Keeper } from "./server/keeper.ts";
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
import { SampleServer } from "./server/sample-server.ts";
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

const CAPS: RetentionCaps = {
  records: { outcome: 20_000, alarm: 20_000, play: 100_000, event: 100_000, metric: 200_000 },
  hidden: 100,
  commands: 5_000,
};
const UPLOADS_BYTES_MAX = 512 * 1024 * 1024;
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "::1"]);
const LIMITS = { windowRecords: 5_000, batchRecordsMax: 500, pingIntervalMs: PING_INTERVAL_MS } as const;

/** A running development cloud. */
export interface DevCloud {
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  readonly cloud: Cloud;
  stop(): Promise<void>;
}

/** Builds and starts the development cloud. Rejects with the system error when a port or the data folder cannot be used. */
export async function startDevCloud(options: Omit<DevCloudOptions, "json">, log: Log, version: string): Promise<DevCloud> {
  mkdirSync(options.data, { recursive: true, mode: 0o700 });
  const store = openStore({ file: join(options.data, "cloud.sqlite"), survives: options.survives }, log, systemClock);
  try {
    return await startWith(store, options, log, version);
  } catch (thrown) {
    store.close();
    throw thrown;
  }
}

async function startWith(
  store: SqliteStore,
  options: Omit<DevCloudOptions, "json">,
  log: Log,
  version: string,
): Promise<DevCloud> {
  const timers = new SystemTimers();
  const files = new UploadFiles(join(options.data, "uploads"), UPLOADS_BYTES_MAX);
  const sample = new SampleContent(options.sample);
  const keyFile = options.ownerKey ?? join(options.data, "owner-key.json");
  const signer = await FileOwnerSigner.open("Development", keyFile, { crypto: nodeCrypto, random: systemRandom });
  // Filled in once the servers listen; not read before that.
  const address = { base: "", sample: "", audiences: [] as string[] };
  const cloud = new Cloud({
    clock: systemClock,
    timers,
    random: systemRandom,
    crypto: nodeCrypto,
    store,
    signer,
    log,
    settings: settingsFor(options, address, sample),
    uploadsFreeBytes: () => files.freeBytes(),
  });
  const simulated = new SimulatedDevices(options.devicesDir, timers, () => systemClock.monotonicMs());
  const views = new Views(cloud, (device) => simulated.has(device));
  const parts: ServerParts = {
    cloud,
    views,
    uploads: new UploadService(cloud, files),
    simulated,
    sample,
    events: new EventStreams(cloud, views, (id) => files.offset(id)),
    startedMs: systemClock.wallMs(),
    base: () => address.base,
    sampleOrigin: () => address.sample,
    uploadsBytesMax: UPLOADS_BYTES_MAX,
    version,
  };
  cloud.start();
  const { devices, http, samples } = await listen(parts, options, address, log);
  const screens = new ScreenWatcher(cloud, () => parts.events.watched());
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
      parts.events.close();
      await devices.close();
      await http.close();
      await samples.close();
      store.close();
    },
  };
}

function settingsFor(
  options: Omit<DevCloudOptions, "json">,
  address: { readonly base: string; readonly sample: string; readonly audiences: readonly string[] },
  sample: SampleContent,
): CloudSettings {
  return {
    audiences: address.audiences,
    autoClaim: options.autoClaim,
    claimTokens: new Set(options.claimTokens),
    ...(options.claimTokenLimits && { claimTokenLimits: options.claimTokenLimits }),
    limits: LIMITS,
    caps: capsOf(options.recordsMax),
    get httpBase() {
      return address.base;
    },
    defaultDesired: () => sample.defaultDesired(address.base, address.sample),
  };
}

async function listen(
  parts: ServerParts,
  options: Omit<DevCloudOptions, "json">,
  address: { base: string; sample: string; readonly audiences: string[] },
  log: Log,
): Promise<{ readonly devices: DeviceSocket; readonly http: HttpServer; readonly samples: SampleServer }> {
  const isLoopback = LOOPBACK_HOSTS.has(options.host);
  const devices = new DeviceSocket(parts.cloud, log);
  const http = new HttpServer({
    router: routerOf(parts),
    guard: new HostGuard(isLoopback ? undefined : options.host),
    fallback: staticFallback(parts, options.dashboard),
    upgrade: (request, socket, head) => devices.upgrade(request, socket, head),
    log,
  });
  const port = await http.listen(options.port, options.host);
  const samples = new SampleServer({ sample: parts.sample, data: options.data, log });
  const samplePort = await samples.listen(options.host).catch(async (thrown: unknown) => {
    await http.close();
    throw thrown;
  });
  const host = `http://${isLoopback ? "127.0.0.1" : hostInUrl(options.host)}`;
  address.base = `${host}:${port}`;
  address.sample = `${host}:${samplePort}`;
  const names = new Set(["127.0.0.1", "localhost", "[::1]", hostInUrl(options.host)]);
  for (const name of names) address.audiences.push(`ws://${name}:${port}`);
  return { devices, http, samples };
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

function capsOf(recordsMax: number | undefined): RetentionCaps {
  if (recordsMax === undefined) return CAPS;
  return { ...CAPS, records: Object.fromEntries(STREAMS.map((stream) => [stream, recordsMax])) as Record<Stream, number> };
}

function hostInUrl(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
