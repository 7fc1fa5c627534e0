import { Agent } from "../../../agent/core/agent.ts";
import type { AgentPorts } from "../../../agent/core/agent-ports.ts";
import type { Transport } from "../../../agent/core/cloud/cloud-port.ts";
import { DEFAULT_LINK_POLICY } from "../../../agent/core/cloud/link-policy.ts";
import { resolveConfig } from "../../../agent/core/config/resolve-config.ts";
import { deviceIdOf } from "../../../agent/core/identity/identity.ts";
import type { Outbox } from "../../../agent/core/outbox/outbox.ts";
import type { PlayerEvent, PlayerLink } from "../../../agent/core/player/player-port.ts";
import { pathsIn } from "../../../agent/node/paths.ts";
import { openStores } from "../../../agent/node/stores.ts";
import { FRAME_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import { ENDPOINT_SCHEMES } from "../../../agent/protocol/values.ts";
import { keyFromSeed, newSeed, nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { err, fail, ok } from "../../../platform/ports/result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import { Cloud } from "../../dev-cloud/sessions/cloud.ts";
import { MemoryStore } from "../../dev-cloud/store/memory-store.ts";
import { AUDIENCE, MemorySigner } from "../../dev-cloud/testing/cloud-bench.ts";
import type { Code } from "../../../platform/ports/codes.ts";

/** The cloud's limits, small so that its memory does not affect the measurement. */
const CAPS = { records: { outcome: 50, alarm: 50, play: 50, event: 50, metric: 50 }, hidden: 10, commands: 50 };

/** The real core on real SQLite files and virtual time, linked in memory to real cloud sessions. */
export interface SoakDevice {
  readonly time: VirtualTime;
  readonly cloud: Cloud;
  readonly outbox: Outbox;
  readonly deviceId: string;
  readonly plays: { offered: number; stored: number; refused: number };
  /** Plugs in or unplugs the network cable. */
  network(up: boolean): void;
  play(n: number): void;
  prune(): void;
  stop(): Promise<void>;
}

export async function startSoakDevice(data: string, seed: string): Promise<SoakDevice> {
  const random = new SeededRandom(seed);
  const time = new VirtualTime();
  const signer = await MemorySigner.create(1);
  const store = new MemoryStore();
  const cloud = new Cloud({
    clock: time, timers: time, random: random.fork("cloud"), crypto: nodeCrypto, store, signer, log: silentLog, uploadsFreeBytes: () => 1e6,
    settings: { audiences: [AUDIENCE], httpBase: "http://127.0.0.1:4600", autoClaim: true, claimTokens: new Set(), defaultDesired: () => undefined, limits: {}, caps: CAPS },
  });
  cloud.start();
  const key = keyFromSeed(newSeed(random));
  const deviceId = await deviceIdOf(nodeCrypto, key.publicKey);
  const wire = new Wire(cloud);
  const world = new SimulatedWorld({ clock: time, timers: time, random: random.fork("world") });
  const platform = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => undefined });
  const config = { ...resolveConfig({ environment: {}, flags: [] }).values, "cloud.firstConnectSpreadMs": 0 };
  const bootId = await platform.power.bootId();
  const stores = await openStores({
    paths: pathsIn(data), capBytes: config["outbox.bytesMax"], bootId, quality: "synced", clock: time, timers: time, random: random.fork("stores"), log: silentLog,
  });
  const plays = { offered: 0, stored: 0, refused: 0 };
  const player = soakPlayer(plays);
  const ports: AgentPorts = {
    clock: time, timers: time, random: random.fork("agent"), crypto: nodeCrypto, log: silentLog, key, deviceId, bootId, platform, player: player.link,
    content: { prepare: (content) => Promise.resolve(content.kind === "url" ? ok({ kind: "url", id: content.url, url: content.url, grants: [] }) : fail("content.unreachable", "no packages here")) },
    documents: stores.documents, journal: stores.journal, outbox: stores.outbox, transport: wire, linkPolicy: DEFAULT_LINK_POLICY,
    uploader: () => ({ upload: () => Promise.resolve(fail("link.offline", "no uploads here")) }),
    logs: { collect: () => Promise.resolve(ok({ bytes: new Uint8Array(64), contentType: "text/plain" })) },
    setLogLevel: () => undefined, logLevel: () => "info", checks: [], storageIssues: () => stores.findings,
  };
  const agent = await Agent.create(ports, { version: "soak", config, configIssues: [], endpoints: [`${AUDIENCE}/device/v1`], name: "", facts: {} });
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  return {
    time, cloud, outbox: stores.outbox, deviceId, plays,
    network: (up) => wire.set(up),
    play: (n) => player.play(n),
    prune: () => void store.prune(CAPS, 1_000_000),
    stop: async () => {
      stop.abort();
      await time.settled(running);
      cloud.stop();
    },
  };
}

/** A connection in memory. Frames arrive in the next turn, as from a socket. */
class Wire implements Transport {
  readonly schemes = ENDPOINT_SCHEMES;
  readonly #cloud: Cloud;
  #up = true;
  #cut: (() => void) | undefined;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  set(up: boolean): void {
    this.#up = up;
    if (!up) this.#cut?.();
  }

  connect: Transport["connect"] = (_url, events) => {
    if (!this.#up) return Promise.resolve(err({ kind: "failed", code: "link.network", message: "the cable is out" }));
    let open = true;
    const end = (code: Code): void => {
      if (!open) return;
      open = false;
      session.onClosed("closed");
      events.closed({ kind: "failed", code, message: "the connection ended" });
    };
    const session = this.#cloud.open({
      remote: "soak", sendBinary: () => undefined, close: () => queueMicrotask(() => end("link.closed")), cut: () => queueMicrotask(() => end("link.network")),
      pause: () => undefined, resume: () => undefined, bufferedBytes: () => 0,
      send: (text) => queueMicrotask(() => open && events.frame(text)),
    });
    this.#cut = () => end("link.network");
    return Promise.resolve(
      ok({
        frameBytesMax: FRAME_BYTES_MAX,
        send: (frame: string) => {
          if (open) queueMicrotask(() => open && session.onFrame(frame));
          return open;
        },
        bufferedBytes: () => 0,
        close: () => end("link.closed"),
      }),
    );
  };
}

function soakPlayer(plays: SoakDevice["plays"]): { readonly link: PlayerLink; play(n: number): void } {
  const listeners = new Set<(event: PlayerEvent) => void>();
  const link: PlayerLink = {
    status: () => ({
      kind: "present", instance: "i1", pid: 1, shell: "soak", heardMs: 1, stage: { kind: "playing", content: "c", sinceMs: 1, loads: 1 }, picture: { verdict: "showing", confidence: 1, evidence: [] },
    }),
    onStatus: () => () => undefined,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setScene: () => undefined, setContext: () => undefined, sendGpio: () => undefined, request: () => Promise.resolve(ok({})),
    pageStored: (_id, code) => {
      if (code === undefined) plays.stored += 1;
      else plays.refused += 1;
    },
  };
  return {
    link,
    play: (n) => {
      plays.offered += 1;
      for (const listener of listeners) listener({ t: "page-play", id: `p${n}`, play: { item: `item-${n % 40}`, startedMs: 1_700_000_000_000 + n, durationMs: 10_000, result: "completed" } });
    },
  };
}
