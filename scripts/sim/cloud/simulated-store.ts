import type { NewRecord, RecordRow } from "../../dev-cloud/sessions/cloud-store.ts";
import { MemoryStore } from "../../dev-cloud/store/memory-store.ts";

/** An observed cloud store: reports commits to the ledger, and a commit may fail. */
export class SimulatedStore extends MemoryStore {
  readonly #hooks: StoreHooks;
  #written: RecordRow[] = [];

  constructor(hooks: StoreHooks) {
    super();
    this.#hooks = hooks;
  }

  override transaction<T>(work: () => T): T {
    this.#written = [];
    this.#hooks.beforeCommit();
    const value = super.transaction(work);
    const written = this.#written;
    this.#written = [];
    this.#hooks.committed(written);
    return value;
  }

  override savepoint<T>(work: () => T): T {
    const before = this.#written.length;
    try {
      return super.savepoint(work);
    } catch (thrown) {
      this.#written.length = before;
      throw thrown;
    }
  }

  override appendRecords(records: readonly NewRecord[]): readonly RecordRow[] {
    const rows = this.#hooks.forgets() ? records.map((record) => ({ ...record, cursor: 0 })) : super.appendRecords(records);
    if (!this.#hooks.forgets()) this.#written.push(...rows);
    return rows;
  }
}

export interface StoreHooks {
  /** Throws to make the commit fail. */
  beforeCommit(): void;
  committed(rows: readonly RecordRow[]): void;
  forgets(): boolean;
}

/** Copies all of one store into an empty one, for a backup or a restore. */
export function copyStore(from: MemoryStore, to: MemoryStore): void {
  to.transaction(() => {
    for (const row of from.devices()) {
      to.putDevice(row);
      for (const kind of ["reported", "desired", "profile", "alarms", "gaps", "limits"] as const) {
        const document = from.document(row.id, kind);
        if (document !== undefined) to.putDocument(document);
      }
      for (const command of from.commands({ device: row.id, limit: Infinity, internal: true })) to.putCommand(command);
      for (const { log, firstSeenMs, streams } of from.positions(row.id)) {
        for (const [stream, position] of Object.entries(streams)) to.putPosition(row.id, log, stream as keyof typeof streams, position, firstSeenMs);
      }
      for (const upload of from.uploads({ device: row.id, limit: Infinity, internal: true })) to.putUpload(upload);
    }
  });
}
