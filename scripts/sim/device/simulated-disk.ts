import { MemoryJournalStore } from "../../../agent/core/commands/memory-journal-store.ts";
import { keyText, type JournalEntry } from "../../../agent/core/commands/journal-entry.ts";
import type { JournalStore, RetentionLimits } from "../../../agent/core/commands/journal-store.ts";
import { MemoryDisk } from "../../../agent/core/outbox/memory-outbox-store.ts";
import type { NewRow, OutboxChange, OutboxOpening, OutboxStore } from "../../../agent/core/outbox/outbox-store.ts";
import type { DocumentStore, StorageIssue } from "../../../agent/core/storage/document-store.ts";
import { MemoryDocumentStore } from "../../../agent/core/storage/memory-document-store.ts";
import { STREAMS, type Stream } from "../../../agent/protocol/records.ts";
import { err, ok, type Issue, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";
import { identityOf } from "../ledger.ts";
import { pause } from "../pause.ts";
import type { SimContext } from "../simulation-context.ts";
import type { SpoolStore } from "../../../player-host/host/spool-store.ts";
import type { Life } from "./life.ts";
import { SimulatedSpool } from "./simulated-spool.ts";

export type DiskMood = "good" | "slow" | "full" | "read-only" | "io";

const SYNC_MS_MAX = 30;
const SLOW_SYNC_MS_MAX = 4_000;
/** A healthy time of this length ends a period of trouble: twice the delay before an agent retries its disk, plus the retry. */
const HEALTHY_MS = 180_000;
/** Bytes that an agent keeps in memory while the disk fails. */
const MEMORY_BYTES_MAX = 2 * 1024 * 1024;

/**
 * The disk of one device. It survives processes and power cuts. After a power cut, unsynced writes are kept up to a random
 * point, in the order of writing. Every process opens its stores on it anew.
 */
export class SimulatedDisk {
  readonly bytesMax: number;
  readonly #sim: SimContext;
  readonly #name: string;
  readonly #log: string;
  #outbox: MemoryDisk;
  readonly #documents: MemoryDocumentStore;
  readonly #journal = new MemoryJournalStore();
  readonly #spool: SimulatedSpool;
  #mood: DiskMood = "good";
  /** Bytes of the outbox when the disk became full. It may reuse them but not grow. */
  #fullAtBytes = 0;
  #life: Life | undefined;
  commits = 0;
  readonly #journalKeys = new Set<string>();
  #pruned = 0;
  /** Boot of each outbox segment, as last written. */
  readonly #boots = new Map<number, string>();
  /** Identities of unsynced rows, and of all rows ever synced. */
  #unsynced: string[] = [];
  readonly #synced = new Set<string>();
  #lastTroubleMs = Number.NEGATIVE_INFINITY;
  #troubleSinceMs = Number.NEGATIVE_INFINITY;

  constructor(sim: SimContext, name: string, log: string, bytesMax: number) {
    this.#sim = sim;
    this.#name = name;
    this.bytesMax = bytesMax;
    this.#log = log;
    this.#outbox = this.#newOutbox(log);
    this.#documents = new MemoryDocumentStore({ refuse: () => this.#refuseWrite("documents")?.code, sync: () => this.#sync() });
    this.#spool = new SimulatedSpool({ refuses: (life) => this.#refuseWrite("spool", life)?.message, syncMsMax: () => this.#syncMsMax() });
  }

  get mood(): DiskMood {
    return this.#mood;
  }

  /** Last time at which it failed or was slow. */
  get lastTroubleMs(): number {
    return this.#mood === "good" ? this.#lastTroubleMs : this.#sim.time.monotonicMs();
  }

  /** Start of the present period of trouble, which only a healthy time of `HEALTHY_MS` ends. */
  get troubleSinceMs(): number {
    return this.#troubleSinceMs;
  }

  /** Whether the row exists now, synced or not. */
  holds(log: string, stream: Stream, seq: number): boolean {
    return log === this.#outbox.log && this.#outbox.rows(stream).has(seq);
  }

  /** Whether a row with this identity was ever synced, which makes it a promise wherever it was accepted. */
  reached(identity: string): boolean {
    return this.#synced.has(identity);
  }

  become(mood: DiskMood): void {
    this.#troubled();
    this.#sim.trace.add(this.#name, "disk", mood);
    this.#mood = mood;
    if (mood === "full") this.#fullAtBytes = this.#outbox.usage().bytes;
  }

  /** Starts a process on it, which closes everything that the previous process had open. */
  mount(life: Life): void {
    this.#life = life;
  }

  powerCut(): void {
    const { random } = this.#sim;
    const kept = random.integer(0, this.#outbox.unsyncedChanges);
    this.#sim.trace.add(this.#name, "power-cut", `${kept} of ${this.#outbox.unsyncedChanges} unsynced changes kept`);
    this.#outbox.crash(kept);
    this.#unsynced = [];
    this.#documents.crash();
    this.#sim.ledger.pageLost(this.#name, this.#spool.powerCut(random));
  }

  /** Total bytes of all outbox rows. */
  outboxBytes(): number {
    return this.#outbox.usage().bytes;
  }

  openOutbox(life: Life): Promise<OutboxOpening> {
    return life.call("outbox.open", async () => {
      if (this.#mood === "io" || this.#mood === "read-only") {
        const log = toHex(life.random.bytes(12));
        const memory = new MemoryDisk(log, MEMORY_BYTES_MAX).open();
        this.#sim.trace.add(this.#name, "outbox-in-memory", log);
        this.#sim.ledger.inMemory(log);
        return { ...memory, degraded: troubleOf(this.#mood) ?? { code: "storage.io", message: "the disk fails" } };
      }
      if (this.#sim.sabotage === "numbers-reused") this.#outbox = this.#newOutbox(this.#log);
      if (this.#sim.sabotage === "taken-back-vanishes") await this.#dropTakenBack();
      const opening = this.#outbox.open();
      this.#areSynced(this.#unsynced.splice(0));
      if (this.#sim.sabotage === "keys-forgotten") return { ...opening, contents: { ...opening.contents, keys: [] }, store: this.#gated(life, opening.store) };
      return { ...opening, store: this.#gated(life, opening.store) };
    });
  }

  documents(life: Life): DocumentStore {
    return {
      get: (key) => life.call(`documents.get ${key}`, () => this.#documents.get(key)),
      put: (values) => life.call(`documents.put ${Object.keys(values).join(",")}`, () => this.#documents.put(values)),
    };
  }

  journal(life: Life): JournalStore {
    const journal = this.#journal;
    const written = async <T>(work: () => Promise<Result<T, StorageIssue>>, skipped: T, note?: () => void): Promise<Result<T, StorageIssue>> => {
      const issue = this.#refuseWrite("journal");
      if (issue !== undefined) return err(issue);
      await this.#sync();
      note?.();
      return this.#sim.sabotage === "journal-forgets" ? ok(skipped) : work();
    };
    return {
      get: (id, attempt) => life.call("journal.get", () => journal.get(id, attempt)),
      numberHolder: (owner, number) => life.call("journal.number-holder", () => journal.numberHolder(owner, number)),
      floor: (owner) => life.call("journal.floor", () => journal.floor(owner)),
      unfinished: () => life.call("journal.unfinished", () => journal.unfinished()),
      recent: (countMax) => life.call("journal.recent", () => journal.recent(countMax)),
      put: (entry) => life.call(`journal.put ${entry.id} ${entry.state.kind}`, () => written(() => this.#put(entry), undefined, () => this.#noteUnderWay(entry))),
      prune: (limits) => life.call("journal.prune", () => written(() => this.#prune(limits), 0)),
    };
  }

  /** The page spool of a player host process. */
  spool(life: Life): SpoolStore {
    return this.#spool.open(life, this.#sim.sabotage === "spool-forgets");
  }

  get spoolIsEmpty(): boolean {
    return this.#spool.isEmpty;
  }

  /** Number of commands in the journal, to check its cap. */
  get journalEntries(): number {
    return this.#journalKeys.size - this.#pruned;
  }

  #put(entry: JournalEntry): Promise<Result<void, StorageIssue>> {
    this.#journalKeys.add(keyText(entry));
    return this.#journal.put(entry);
  }

  /** From now until the command ends, orders to the hardware may belong to it. */
  #noteUnderWay(entry: JournalEntry): void {
    const { ledger } = this.#sim;
    const { orders } = ledger;
    ledger.journaled(this.#name, entry);
    if (entry.state.kind === "running") orders.begins(this.#name, keyText(entry), entry.name, entry.params);
    if (entry.state.kind === "final") orders.ends(this.#name, keyText(entry));
  }

  async #prune(limits: RetentionLimits): Promise<Result<number, StorageIssue>> {
    const pruned = await this.#journal.prune(limits);
    if (pruned.ok) this.#pruned += pruned.value;
    return pruned;
  }

  #gated(life: Life, store: OutboxStore): OutboxStore {
    return {
      commit: (change, synced) =>
        life.call("outbox.commit", () => {
          this.commits += 1;
          if (this.#sim.sabotage === "outbox-forgets" && change.add !== undefined && change.add.some(({ stream }) => stream === "play"))
            return store.commit({ ...change, add: change.add.filter(({ stream }) => stream !== "play") }, synced);
          return this.#commit(store, change, synced);
        }),
      read: (stream, range) => life.call("outbox.read", () => store.read(stream, range)),
      usage: () => store.usage(),
      close: () => life.call("outbox.close", () => store.close()),
    };
  }

  /** Commits and notes what is durable. Continues if the process dies meanwhile, as a disk does. */
  async #commit(store: OutboxStore, change: OutboxChange, synced: boolean): Promise<Result<void>> {
    const done = await store.commit(change, synced);
    if (!done.ok) return done;
    for (const { id, boot } of change.segments ?? []) this.#boots.set(id, boot);
    for (const row of change.add ?? []) this.#unsynced.push(this.#identityOf(row.stream, row));
    if (synced) this.#areSynced(this.#unsynced.splice(0));
    return done;
  }

  /** Sabotage: drops every row that was first accepted in memory. */
  async #dropTakenBack(): Promise<void> {
    const { ledger, time } = this.#sim;
    if (time.monotonicMs() - this.lastTroubleMs > HEALTHY_MS) return;
    const takenBack = new Set(ledger.owed(this.#name).flatMap(({ log, identity }) => (ledger.memoryLogs.has(log) ? [identity] : [])));
    for (const stream of STREAMS) {
      const rows = [...this.#outbox.rows(stream).values()].filter((row) => takenBack.has(this.#identityOf(stream, row)));
      await this.#outbox.open().store.commit({ dropOne: rows.map(({ seq }) => ({ stream, seq })) }, true);
    }
  }

  #identityOf(stream: Stream, { kind, monoMs, segment, body }: Pick<NewRow, "kind" | "monoMs" | "segment" | "body">): string {
    return identityOf(this.#name, { boot: this.#boots.get(segment) ?? "", stream, kind, monoMs, body: JSON.parse(body) as JsonObject });
  }

  #areSynced(identities: readonly string[]): void {
    for (const identity of identities) this.#synced.add(identity);
  }

  #newOutbox(log: string): MemoryDisk {
    const bytesMax = this.#sim.sabotage === "no-cap" ? this.bytesMax * 100 : this.bytesMax;
    return new MemoryDisk(log, bytesMax, { refuse: (change, synced) => this.#refuseCommit(change, synced), sync: () => this.#sync() });
  }

  #troubled(): void {
    const nowMs = this.#sim.time.monotonicMs();
    if (nowMs - this.lastTroubleMs > HEALTHY_MS) this.#troubleSinceMs = nowMs;
    this.#lastTroubleMs = nowMs;
  }

  #refuseCommit(change: OutboxChange, synced: boolean): Issue | undefined {
    if (this.#mood === "full" && (change.add?.length ?? 0) > 0) {
      const added = (change.add ?? []).reduce((sum, { body }) => sum + body.length + 64, 0);
      if (this.#outbox.usage().bytes + added > this.#fullAtBytes) return { code: "storage.full", message: "no space left on device" };
      return undefined;
    }
    return this.#refuseWrite(synced ? "outbox" : "outbox, not synced");
  }

  #refuseWrite(what: string, life = this.#life): StorageIssue | undefined {
    const trouble = troubleOf(this.#mood);
    if (trouble !== undefined) return trouble;
    const chance = this.#sim.faults().writeFailsChance;
    if (chance === 0 || life?.random.chance(chance) !== true) return undefined;
    this.#troubled();
    const code = life.random.chance(0.3) ? "storage.full" : "storage.io";
    this.#sim.ledger.faults += 1;
    this.#sim.trace.add(this.#name, "write-fails", `${what} ${code}`);
    return { code, message: "the disk refused one write" };
  }

  async #sync(): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    await pause(life, "sim.disk-sync", life.random.integer(1, this.#syncMsMax()));
  }

  #syncMsMax(): number {
    return this.#mood === "slow" ? SLOW_SYNC_MS_MAX : SYNC_MS_MAX;
  }
}

function troubleOf(mood: DiskMood): StorageIssue | undefined {
  if (mood === "io") return { code: "storage.io", message: "input/output error" };
  if (mood === "read-only") return { code: "storage.read-only", message: "read-only file system" };
  if (mood === "full") return { code: "storage.full", message: "no space left on device" };
  return undefined;
}
