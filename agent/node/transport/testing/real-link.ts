import { keyFromSeed, nodeCrypto } from "../../../../platform/linux/node-crypto.ts";
import { systemClock, SystemTimers } from "../../../../platform/linux/system-clock.ts";
import { systemRandom } from "../../../../platform/linux/system-random.ts";
import type { Timers } from "../../../../platform/ports/clock.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import { toBase64Url } from "../../../../platform/runtime/encoding.ts";
import { CloudLinkRunner } from "../../../core/cloud/cloud-link.ts";
import type { LinkStatus } from "../../../core/cloud/cloud-port.ts";
import { DEFAULT_LINK_POLICY, type LinkPolicy } from "../../../core/cloud/link-policy.ts";
import { DEFAULT_MIGRATION_POLICY, Migration } from "../../../core/cloud/migration.ts";
import { ServerClock } from "../../../core/cloud/server-clock.ts";
import { RecordingBacklog, RecordingHandlers } from "../../../core/cloud/testing/link-bench.ts";
import { MemoryDocumentStore } from "../../../core/storage/memory-document-store.ts";
import { deviceIdOf } from "../../../core/identity/identity.ts";
import { Ownership } from "../../../core/identity/ownership.ts";
import { WsTransport } from "../ws-transport.ts";

const SOON = { firstMs: 30, factor: 1.5, capMs: 300, floorMs: 5 };
/** The link's own rules with short waits. */
export const SHORT_WAITS: LinkPolicy = { ...DEFAULT_LINK_POLICY, failure: SOON, refusal: SOON, failover: SOON };

export interface RealLinkOptions {
  readonly endpoints: readonly string[];
  readonly policy?: LinkPolicy;
  readonly claimToken?: string;
  /** Timers for the migration only, for tests that do not wait for its deadline. */
  readonly migrationTimers?: Timers;
  readonly documents?: MemoryDocumentStore;
}

interface Parts {
  readonly link: CloudLinkRunner;
  readonly ownership: Ownership;
  readonly migration: Migration;
  readonly handlers: RecordingHandlers;
  readonly serverClock: ServerClock;
  readonly deviceId: string;
  /** Base64url. */
  readonly publicKey: string;
  /** Codes of the alarms that were raised. */
  readonly alarms: readonly string[];
}

/** The whole link over real sockets, with identity and migration; records its events. */
export class RealLink {
  readonly parts: Parts;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  private constructor(parts: Parts) {
    this.parts = parts;
    this.#running = parts.link.run(this.#stop.signal);
  }

  static async start(options: RealLinkOptions): Promise<RealLink> {
    const documents = options.documents ?? new MemoryDocumentStore();
    const key = keyFromSeed(systemRandom.bytes(32));
    const deviceId = await deviceIdOf(nodeCrypto, key.publicKey);
    const timers = new SystemTimers();
    const ownership = await Ownership.load({ documents, crypto: nodeCrypto, deviceId, log: silentLog });
    const alarms: string[] = [];
    const migration = await Migration.load({
      documents, ownership, clock: systemClock, random: systemRandom, log: silentLog, configured: options.endpoints,
      timers: options.migrationTimers ?? timers, policy: DEFAULT_MIGRATION_POLICY,
      alarms: { raise: (code) => void alarms.push(code), clear: () => {}, active: () => new Map() },
    });
    const handlers = new RecordingHandlers();
    handlers.accept = (owner, message, endpoint) => migration.acceptOwner(owner, message, endpoint);
    const serverClock = new ServerClock(systemClock);
    const link = new CloudLinkRunner({
      transport: new WsTransport({ timers, clockQuality: async () => "synced" }),
      clock: systemClock, timers, random: systemRandom, log: silentLog, policy: options.policy ?? SHORT_WAITS,
      key, deviceId, bootId: "boot-1", clockQuality: async () => "synced",
      ownerFingerprint: () => ownership.owner()?.fingerprint, claimToken: () => options.claimToken,
      documents, backlog: new RecordingBacklog(), handlers, serverClock,
      drain: () => ({ run: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })), stored: () => {}, limited: () => {} }),
      endpoints: migration.endpoints(), firstConnectSpreadMs: 0,
    });
    migration.attach(link);
    return new RealLink({ link, ownership, migration, handlers, serverClock, deviceId, publicKey: toBase64Url(key.publicKey), alarms });
  }

  /** Resolves when the link's status satisfies `met`. */
  until(met: (status: LinkStatus) => boolean): Promise<LinkStatus> {
    const now = this.parts.link.status();
    if (met(now)) return Promise.resolve(now);
    return new Promise((resolve) => {
      const undo = this.parts.link.onStatus((status) => {
        if (!met(status)) return;
        undo();
        resolve(status);
      });
    });
  }

  online(): Promise<LinkStatus> {
    return this.until((status) => status.kind === "online");
  }

  async stop(): Promise<void> {
    this.parts.migration.stop();
    this.#stop.abort();
    await this.#running;
  }
}
