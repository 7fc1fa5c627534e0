import { nodeCrypto, keyFromSeed } from "../../../../platform/linux/node-crypto.ts";
import type { Log } from "../../../../platform/ports/log.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { ok } from "../../../../platform/ports/result.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import type { Stream } from "../../../protocol/records.ts";
import type { Backlog } from "../../outbox/backlog.ts";
import { deviceIdOf } from "../../identity/identity.ts";
import { CloudLinkRunner } from "../cloud-link.ts";
import type { CloudLinkDeps } from "../cloud-link-deps.ts";
import type { SessionHandlers, Transport } from "../cloud-port.ts";
import type { DrainSession } from "../drain-port.ts";
import { DEFAULT_LINK_POLICY } from "../link-policy.ts";
import { ServerClock } from "../server-clock.ts";
import { MemoryDocumentStore } from "../../storage/memory-document-store.ts";
import { ScriptedTransport } from "./scripted-transport.ts";

/** An empty backlog that records the calls to it. */
export class RecordingBacklog implements Backlog {
  log = "log-1";
  readonly told: Partial<Readonly<Record<Stream, number>>>[] = [];
  readonly rejections: { stream: Stream; seq: number; code: string }[] = [];

  ranges(): ReturnType<Backlog["ranges"]> {
    const none = { stored: 0, oldest: 1, newest: 0 };
    return { outcome: none, alarm: none, play: none, event: none, metric: none };
  }

  async read(): ReturnType<Backlog["read"]> {
    return undefined;
  }

  async stored(upTo: Partial<Readonly<Record<Stream, number>>>): Promise<void> {
    this.told.push(upTo);
  }

  async rejected(stream: Stream, seq: number, code: string): Promise<void> {
    this.rejections.push({ stream, seq, code });
  }

  defer(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onAppended(): () => void {
    return () => {};
  }
}

/** Handlers that record every call. */
export class RecordingHandlers implements SessionHandlers {
  readonly calls: { readonly name: string; readonly value: unknown }[] = [];
  accept: SessionHandlers["acceptOwner"] = async () => ok(undefined);
  /** Called before each call is recorded; may throw. */
  before: (name: string) => void = () => {};

  async hello(): ReturnType<SessionHandlers["hello"]> {
    this.before("hello");
    return { desiredVersion: 0, reportedVersion: 0, profileHash: "0".repeat(64), openCommands: [], agent: { version: "test", platform: "test" } };
  }

  acceptOwner: SessionHandlers["acceptOwner"] = (owner, message, endpoint) => this.accept(owner, message, endpoint);
  welcomed = (value: unknown): void => this.#note("welcomed", value);
  command = (value: unknown): void => this.#note("command", value);
  cancel = (value: unknown): void => this.#note("cancel", value);
  desired = (value: unknown): void => this.#note("desired", value);
  reportedAck = (value: unknown): void => this.#note("reportedAck", value);
  fetch = (value: unknown): void => this.#note("fetch", value);
  pairing = (value: unknown): void => this.#note("pairing", value);

  names(): string[] {
    return this.calls.map((call) => call.name);
  }

  #note(name: string, value: unknown): void {
    this.before(name);
    this.calls.push({ name, value });
  }
}

export interface LinkBenchOptions {
  readonly seed?: string | number;
  readonly endpoints?: readonly string[];
  readonly transport?: Transport;
  readonly log?: Log;
  /** Shared with other parts of a test. */
  readonly time?: VirtualTime;
  readonly over?: Partial<CloudLinkDeps>;
}

/** A link in virtual time, with its surroundings exposed to tests. */
export class LinkBench {
  readonly time: VirtualTime;
  readonly cloud: ScriptedTransport;
  readonly documents = new MemoryDocumentStore();
  readonly backlog = new RecordingBacklog();
  readonly handlers = new RecordingHandlers();
  readonly serverClock: ServerClock;
  readonly drains: { session: DrainSession; stored: unknown[]; limits: unknown[]; signal?: AbortSignal }[] = [];
  readonly key = keyFromSeed(new SeededRandom("key").bytes(32));
  readonly random: SeededRandom;
  readonly stop = new AbortController();
  readonly link: CloudLinkRunner;
  #running: Promise<void> = Promise.resolve();

  private constructor(deviceId: string, options: LinkBenchOptions) {
    this.time = options.time ?? new VirtualTime();
    this.cloud = new ScriptedTransport(() => this.time.monotonicMs());
    this.serverClock = new ServerClock(this.time);
    this.random = new SeededRandom(options.seed ?? 1);
    this.link = new CloudLinkRunner({
      transport: options.transport ?? this.cloud,
      clock: this.time,
      timers: this.time,
      random: this.random,
      log: options.log ?? silentLog,
      policy: DEFAULT_LINK_POLICY,
      key: this.key,
      deviceId,
      bootId: "boot-1",
      clockQuality: async () => "synced",
      ownerFingerprint: () => undefined,
      claimToken: () => undefined,
      documents: this.documents,
      backlog: this.backlog,
      drain: (session) => {
        const drain: LinkBench["drains"][number] = { session, stored: [], limits: [] };
        this.drains.push(drain);
        return {
          run: (signal) => {
            drain.signal = signal;
            return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
          },
          stored: (upTo) => void drain.stored.push(upTo),
          limited: (limits) => void drain.limits.push(limits),
        };
      },
      handlers: this.handlers,
      serverClock: this.serverClock,
      endpoints: options.endpoints ?? ["wss://cloud.test/device"],
      firstConnectSpreadMs: 0,
      ...options.over,
    });
  }

  static async make(options: LinkBenchOptions = {}): Promise<LinkBench> {
    const key = keyFromSeed(new SeededRandom("key").bytes(32));
    return new LinkBench(await deviceIdOf(nodeCrypto, key.publicKey), options);
  }

  /** Starts the link and lets time pass so that it can connect. */
  async start(forMs = 100): Promise<void> {
    this.#running = this.link.run(this.stop.signal);
    await this.time.advance(forMs);
  }

  async end(): Promise<void> {
    this.stop.abort();
    await this.time.settled(this.#running);
  }
}
