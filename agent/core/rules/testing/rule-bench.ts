import { deviceIdOf } from "../../identity/identity.ts";
import { testOwner, type TestOwner } from "../../identity/testing/test-owner.ts";
import { keyFromSeed, nodeCrypto } from "../../../../platform/linux/node-crypto.ts";
import { silentLog } from "../../../../platform/ports/log.ts";
import type { PlatformAdapter } from "../../../../platform/ports/platform-adapter.ts";
import { fail, ok } from "../../../../platform/ports/result.ts";
import type { JsonObject } from "../../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../../../../platform/simulated/simulated-adapter.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import { SimulatedWorld } from "../../../../platform/simulated/world.ts";
import type { DesiredDocument } from "../../../protocol/desired.ts";
import { ENDPOINT_SCHEMES } from "../../../protocol/values.ts";
import { Agent } from "../../agent.ts";
import { DEFAULT_LINK_POLICY } from "../../cloud/link-policy.ts";
import { MemoryJournalStore } from "../../commands/memory-journal-store.ts";
import { FakePlayer } from "../../commands/testing/fake-player.ts";
import { resolveConfig } from "../../config/resolve-config.ts";
import type { NewRecord } from "../../outbox/event-sink.ts";
import { MemoryDisk } from "../../outbox/memory-outbox-store.ts";
import { Outbox } from "../../outbox/outbox.ts";
import { MemoryDocumentStore } from "../../storage/memory-document-store.ts";

/** One event of a rule. */
export interface RuleEvent {
  readonly name: string;
  readonly data: JsonObject;
}

/** The real agent core with an owner and no cloud, on simulated hardware and under virtual time. It can be restarted. */
export class RuleBench {
  readonly time: VirtualTime;
  readonly world: SimulatedWorld;
  readonly player = new FakePlayer();
  readonly documents = new MemoryDocumentStore();
  readonly #owner: TestOwner;
  readonly #key = keyFromSeed(new SeededRandom("rule bench").bytes(32));
  readonly #journal = new MemoryJournalStore();
  readonly #flags: readonly (readonly [string, string])[];
  readonly #change: (adapter: PlatformAdapter) => PlatformAdapter;
  readonly records: NewRecord[] = [];
  #numbers = 0;
  #version = 0;
  #agent: Agent | undefined;
  #stop = new AbortController();
  #running: Promise<void> | undefined;

  static async start(options: { readonly wallMs?: number; readonly flags?: readonly (readonly [string, string])[]; readonly change?: (adapter: PlatformAdapter) => PlatformAdapter } = {}): Promise<RuleBench> {
    const bench = new RuleBench(await testOwner("rules"), options);
    await bench.boot();
    return bench;
  }

  private constructor(owner: TestOwner, { wallMs, flags = [], change = (adapter) => adapter }: { wallMs?: number; flags?: readonly (readonly [string, string])[]; change?: (adapter: PlatformAdapter) => PlatformAdapter }) {
    this.#owner = owner;
    this.#flags = flags;
    this.#change = change;
    this.time = new VirtualTime(wallMs === undefined ? {} : { wallMs });
    this.world = new SimulatedWorld({ clock: this.time, timers: this.time, random: new SeededRandom("rule bench world") });
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error("it is not running");
    return this.#agent;
  }

  /** Starts the agent on what is stored. */
  async boot(): Promise<void> {
    const { time, world, documents, player } = this;
    const { name, commandKey, fingerprint } = { name: "rules", commandKey: this.#owner.commandKey, fingerprint: this.#owner.fingerprint };
    for (const key of ["owner", "owner.copy"]) await documents.put({ [key]: { name, commandKey, fingerprint } });
    const adapter = this.#change(createSimulatedAdapter(world, { clock: world.deviceClock(), timers: time, onMachineGone: () => undefined }));
    const clock = world.deviceClock();
    const random = new SeededRandom("rule bench agent");
    const disk = new MemoryDisk("rules-log", 1e7);
    const bootId = await adapter.power.bootId();
    const outbox = await Outbox.open({ openStore: () => Promise.resolve(disk.open()), clock, timers: time, random, log: silentLog, boot: bootId, quality: "synced" }, () => undefined);
    const append = outbox.append.bind(outbox);
    outbox.append = (record) => {
      this.records.push(record);
      return append(record);
    };
    const { values } = resolveConfig({ environment: {}, flags: this.#flags.map(([flag, value]) => [flag, value]) });
    this.#agent = await Agent.create(
      {
        clock, timers: time, random, crypto: nodeCrypto, log: silentLog, key: this.#key, deviceId: await this.#deviceId(), bootId, platform: adapter, player,
        content: { prepare: (content) => Promise.resolve(content.kind === "url" ? ok({ kind: "url", id: content.url, url: content.url, grants: [] }) : fail("content.unreachable", "no network")) },
        documents, journal: this.#journal, outbox,
        transport: { schemes: ENDPOINT_SCHEMES, connect: () => Promise.resolve({ ok: false, error: { kind: "failed", code: "link.network", message: "there is no cloud here" } }) },
        linkPolicy: DEFAULT_LINK_POLICY,
        uploader: () => ({ upload: () => Promise.resolve(fail("upload.failed", "nothing is uploaded here")) }),
        logs: { collect: () => Promise.resolve(fail("logs.unreadable", "there are none")) },
        setLogLevel: () => {}, logLevel: () => "info", checks: [], storageIssues: () => [],
      },
      { version: "0.1.0", config: values, configIssues: [], endpoints: ["ws://127.0.0.1:1/device/v1"], name: "", facts: {} },
    );
    this.#stop = new AbortController();
    this.#running = this.#agent.run(this.#stop.signal);
    await time.advance(2_000);
  }

  /** Ends the agent; the hardware and what is stored stay. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.time.settled(this.#running ?? Promise.resolve());
  }

  /** A new desired document of the owner, in force two seconds later. */
  async want(document: DesiredDocument): Promise<void> {
    this.#version += 1;
    const signed = await this.#owner.sign("desired", { device: await this.#deviceId(), version: this.#version, issuedMs: 0, document });
    const accepted = await this.time.settled(this.agent.parts.desired.accept(signed));
    if (!accepted.ok) throw new Error(`${accepted.error.code}: ${accepted.error.message}`);
    await this.time.advance(2_000);
  }

  /** Sends a command of the owner and lets `forMs` pass. */
  async command(name: string, params: JsonObject, forMs = 10_000): Promise<void> {
    this.#numbers += 1;
    const nowMs = this.world.deviceClock().wallMs();
    const id = `command-${this.#numbers}`;
    this.agent.commands.command(await this.#owner.sign("command", { device: await this.#deviceId(), id, attempt: 1, number: this.#numbers, name, params, issuedMs: nowMs, notAfterMs: nowMs + 3_600_000 }));
    await this.time.advance(forMs);
  }

  act(action: string, params: object): void {
    const acted = this.world.apply({ action, params: { ...params } });
    if (!acted.ok) throw new Error(acted.error.message);
  }

  /** A sensor or a switch drives the line. */
  async line(line: string, level: 0 | 1, forMs = 5_000): Promise<void> {
    this.world.updateLine(line, { external: level });
    await this.time.advance(forMs);
  }

  get power(): string {
    return this.world.state.display.power;
  }

  /** Events of rules since the last call. */
  events(): readonly RuleEvent[] {
    const found = this.records.filter(({ kind }) => kind === "rule").map(({ body }) => body as unknown as RuleEvent);
    this.records.length = 0;
    return found;
  }

  reported() {
    return this.agent.parts.reported.document();
  }

  #deviceId(): Promise<string> {
    return deviceIdOf(nodeCrypto, this.#key.publicKey);
  }
}
