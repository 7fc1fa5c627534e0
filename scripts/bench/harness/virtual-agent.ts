import { join } from "node:path";
import { Agent } from "../../../agent/core/agent.ts";
import type { Transport } from "../../../agent/core/cloud/cloud-port.ts";
import { DEFAULT_LINK_POLICY } from "../../../agent/core/cloud/link-policy.ts";
import type { JournalStore } from "../../../agent/core/commands/journal-store.ts";
import { MemoryJournalStore } from "../../../agent/core/commands/memory-journal-store.ts";
import { resolveConfig } from "../../../agent/core/config/resolve-config.ts";
import { deviceIdOf } from "../../../agent/core/identity/identity.ts";
import { MemoryDisk } from "../../../agent/core/outbox/memory-outbox-store.ts";
import { Outbox } from "../../../agent/core/outbox/outbox.ts";
import type { DocumentStore } from "../../../agent/core/storage/document-store.ts";
import { MemoryDocumentStore } from "../../../agent/core/storage/memory-document-store.ts";
import { createPinoLog } from "../../../agent/node/pino-log.ts";
import { openDocuments } from "../../../agent/node/sqlite/open-documents.ts";
import { sqliteOutboxOpener } from "../../../agent/node/sqlite/open-outbox.ts";
import { Quarantine } from "../../../agent/node/sqlite/quarantine.ts";
import { openJournal } from "../../../agent/node/sqlite-journal/open-journal.ts";
import { FRAME_BYTES_MAX } from "../../../agent/protocol/limits.ts";
import { ENDPOINT_SCHEMES } from "../../../agent/protocol/values.ts";
import { keyFromSeed, nodeCrypto } from "../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import type { Clock } from "../../../platform/ports/clock.ts";
import { fail } from "../../../platform/ports/result.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../platform/simulated/world.ts";
import type { Connection } from "../../dev-cloud/sessions/connection.ts";
import type { Cloud } from "../../dev-cloud/sessions/cloud.ts";
import { WireCounter } from "./frame-bytes.ts";
import { InFlight } from "./in-flight.ts";
import { memoryCloud } from "./memory-cloud.ts";
import { VirtualPlayer } from "./virtual-player.ts";

/** The agent's files by kind. */
export const DISK_CLASSES = ["outbox", "state", "journal", "log"] as const;
export type DiskClass = (typeof DISK_CLASSES)[number];

const HOST = "127.0.0.1:4600";
const LATENCY_MS = 20;
const CAP_BYTES = 64 * 1024 * 1024;

interface World {
  readonly folder: string;
  readonly disk: ReadonlySet<DiskClass>;
  readonly time: VirtualTime;
  readonly clock: Clock;
  readonly inFlight: InFlight;
  readonly transport: Transport;
  /** In place of the agent's own. */
  readonly documents?: DocumentStore | undefined;
}

/**
 * The agent core in this process, under virtual time and on simulated hardware, linked to the development cloud's sessions
 * by a transport that counts bytes. Kinds in `disk` are kept in real files in `folder` by the agent's own stores, the rest
 * in memory.
 */
export class VirtualAgent {
  readonly agent: Agent;
  readonly wire: WireCounter;
  readonly time: VirtualTime;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  static async start(folder: string, disk: ReadonlySet<DiskClass>, documents?: DocumentStore): Promise<VirtualAgent> {
    const inFlight = new InFlight();
    const time = new VirtualTime({ wallMs: Date.UTC(2026, 10, 22, 3), settle: () => inFlight.settle() });
    const wire = new WireCounter();
    // Jitter makes virtual time fractional; a wall clock has whole milliseconds.
    const clock: Clock = { wallMs: () => Math.floor(time.wallMs()), monotonicMs: () => time.monotonicMs() };
    const cloud = await memoryCloud(clock, time, HOST);
    const agent = await compose({ folder, disk, time, clock, inFlight, transport: transportTo(cloud, time, wire), documents });
    return new VirtualAgent(agent, wire, time);
  }

  private constructor(agent: Agent, wire: WireCounter, time: VirtualTime) {
    this.agent = agent;
    this.wire = wire;
    this.time = time;
    this.#running = agent.run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.time.settled(this.#running);
  }
}

async function compose({ folder, disk, time, clock, inFlight, transport, documents }: World): Promise<Agent> {
  const random = new SeededRandom(11);
  const key = keyFromSeed(random.bytes(32));
  const { values } = resolveConfig({ environment: {}, flags: [["--cloud-first-connect-spread-ms", "0"]] });
  const logFile = disk.has("log") ? { file: join(folder, "agent.log") } : {};
  const pino = await createPinoLog({ ...logFile, stderr: false, level: "info", clock });
  const platform = createSimulatedAdapter(new SimulatedWorld({ clock, timers: time, random }), { clock, timers: time, onMachineGone: () => {} });
  const bootId = await platform.power.bootId();
  const openSqlite = sqliteOutboxOpener({ path: join(folder, "outbox.sqlite"), quarantine: join(folder, "quarantine"), capBytes: CAP_BYTES, clock, random });
  const memory = new MemoryDisk("bench-log", CAP_BYTES);
  const outbox = await Outbox.open(
    {
      openStore: async () => {
        const opening = disk.has("outbox") ? await openSqlite() : memory.open();
        return { ...opening, store: inFlight.watch(opening.store) };
      },
      clock, timers: time, random, log: silentLog, boot: bootId, quality: "synced",
    },
    ({ kind }) => {
      throw new Error(`the outbox reports ${kind}`);
    },
  );
  return Agent.create(
    {
      clock, timers: time, random, crypto: nodeCrypto, log: pino.log, key, deviceId: await deviceIdOf(nodeCrypto, key.publicKey), bootId, platform,
      player: new VirtualPlayer(clock, time), content: { prepare: () => Promise.resolve(fail("content.unreachable", "there is no content here")) },
      documents: inFlight.watch(documents ?? documentsFor(folder, disk, clock)), journal: inFlight.watch(await journalFor(folder, disk, clock)), outbox,
      transport, linkPolicy: DEFAULT_LINK_POLICY,
      uploader: () => ({ upload: () => Promise.resolve(fail("upload.failed", "nothing is uploaded here")) }),
      logs: { collect: () => Promise.resolve(fail("logs.unreadable", "there are none")) },
      setLogLevel: () => {}, logLevel: () => "info", checks: [], storageIssues: () => [],
    },
    { version: "0.1.0", config: values, configIssues: [], endpoints: [`ws://${HOST}/device/v1`], name: "", facts: {} },
  );
}

function documentsFor(folder: string, disk: ReadonlySet<DiskClass>, clock: Clock): DocumentStore {
  if (!disk.has("state")) return new MemoryDocumentStore();
  const opened = openDocuments({ path: join(folder, "state.sqlite"), quarantine: join(folder, "quarantine"), quarantineBytesMax: CAP_BYTES, clock });
  if (opened.degraded !== undefined) throw new Error(opened.degraded.message);
  return opened.store;
}

async function journalFor(folder: string, disk: ReadonlySet<DiskClass>, clock: Clock): Promise<JournalStore> {
  if (!disk.has("journal")) return new MemoryJournalStore();
  const opened = await openJournal({ path: join(folder, "journal.sqlite"), quarantine: new Quarantine(join(folder, "quarantine"), CAP_BYTES), wallMs: clock.wallMs(), boot: "bench" });
  if (opened.kind !== "open") throw new Error(opened.why.message);
  return opened.store;
}

/** A transport with a latency in virtual time that counts frames. */
function transportTo(cloud: Cloud, time: VirtualTime, wire: WireCounter): Transport {
  const later = (act: () => void): void => void time.after("bench.wire", LATENCY_MS, act);
  return {
    schemes: ENDPOINT_SCHEMES,
    connect: (_, events) => {
      let over = false;
      const end = (): void => {
        if (over) return;
        over = true;
        later(() => events.closed({ kind: "failed", code: "link.closed", message: "closed" }));
      };
      const towardsDevice: Connection = {
        remote: "bench", sendBinary: () => {}, close: end, cut: end, pause: () => {}, resume: () => {}, bufferedBytes: () => 0,
        send: (text) => {
          wire.down(text);
          later(() => {
            if (!over) events.frame(text);
          });
        },
      };
      const session = cloud.open(towardsDevice);
      return Promise.resolve({
        ok: true,
        value: {
          frameBytesMax: FRAME_BYTES_MAX,
          send: (text) => {
            if (over) return false;
            wire.up(text);
            later(() => session.onFrame(text, Buffer.byteLength(text)));
            return true;
          },
          bufferedBytes: () => 0,
          close: () => {
            end();
            later(() => session.onClosed("closed"));
          },
        },
      });
    },
  };
}
