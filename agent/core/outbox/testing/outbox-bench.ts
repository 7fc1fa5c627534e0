import { silentLog, type Log } from "../../../../platform/ports/log.ts";
import type { ClockQuality } from "../../../../platform/ports/clock.ts";
import { SeededRandom } from "../../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../../platform/simulated/virtual-time.ts";
import type { Gap, Stream, WireRecord } from "../../../protocol/records.ts";
import { MemoryDisk, type MemoryDiskBehaviour } from "../memory-outbox-store.ts";
import { Outbox } from "../outbox.ts";
import type { OutboxIncident } from "../outbox-deps.ts";
import type { OutboxLimits } from "../outbox-limits.ts";
import type { OpenOutboxStore } from "../outbox-store.ts";

export interface BenchOptions {
  readonly bytesMax?: number;
  readonly limits?: Partial<OutboxLimits>;
  readonly behaviour?: MemoryDiskBehaviour;
  readonly quality?: ClockQuality;
  readonly openStore?: OpenOutboxStore;
  readonly log?: Log;
}

/** An outbox on a simulated disk under virtual time, which can crash and start again. */
export class OutboxBench {
  readonly time = new VirtualTime();
  readonly incidents: OutboxIncident[] = [];
  readonly disk: MemoryDisk;
  readonly #options: BenchOptions;
  #outbox: Outbox | undefined;

  constructor(options: BenchOptions = {}) {
    this.#options = options;
    this.disk = new MemoryDisk("a".repeat(24), options.bytesMax ?? 1e7, options.behaviour);
  }

  get outbox(): Outbox {
    if (this.#outbox === undefined) throw new Error("start it first");
    return this.#outbox;
  }

  async start(boot = "boot-1", quality: ClockQuality = this.#options.quality ?? "synced"): Promise<Outbox> {
    const { time } = this;
    this.#outbox = await Outbox.open(
      {
        openStore: this.#options.openStore ?? (async () => this.disk.open()),
        clock: time,
        timers: time,
        random: new SeededRandom("outbox"),
        log: this.#options.log ?? silentLog,
        boot,
        quality,
        limits: { rateOf: () => ({ burst: 1e9, perSecond: 1e9 }), ...this.#options.limits },
      },
      (incident) => this.incidents.push(incident),
    );
    return this.#outbox;
  }

  /** The power goes; `kept` of the unsynced changes reach the disk all the same. */
  crash(kept = 0): void {
    this.disk.crash(kept);
  }

  /** Everything that waits in a stream, read as the drain reads it. */
  async records(stream: Stream): Promise<WireRecord[]> {
    return readAll(this.outbox, stream);
  }

  /** The losses told so far by records that are still here. */
  async gaps(): Promise<Gap[]> {
    const alarms = await this.records("alarm");
    return alarms.filter((record) => record.kind === "gap").map((record) => record.body as unknown as Gap);
  }
}

export async function readAll(outbox: Outbox, stream: Stream): Promise<WireRecord[]> {
  const all: WireRecord[] = [];
  for (let after = 0; ; ) {
    const batch = await outbox.read(stream, after, { recordsMax: 100, bytesMax: 1e6 });
    if (batch === undefined) return all;
    all.push(...(JSON.parse(batch.recordsJson) as WireRecord[]));
    after = batch.last;
  }
}
