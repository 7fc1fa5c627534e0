import type { Stream } from "../../../protocol/records.ts";
import type { MemoryDisk } from "../memory-outbox-store.ts";
import type { OutboxOpening } from "../outbox-store.ts";

/** Opens `disk` with the rows `damaged` of `stream` unreadable. `onRead` is called at each read of any stream. */
export function damagedRows(disk: MemoryDisk, stream: Stream, damaged: readonly number[], onRead: () => void = () => {}): OutboxOpening {
  const opening = disk.open();
  const store: OutboxOpening["store"] = {
    commit: (change, synced) => opening.store.commit(change, synced),
    usage: () => opening.store.usage(),
    close: () => opening.store.close(),
    read: async (asked, range) => {
      onRead();
      const found = await opening.store.read(asked, range);
      if (!found.ok || asked !== stream) return found;
      const { rows } = found.value;
      return { ok: true, value: { rows: rows.filter(({ seq }) => !damaged.includes(seq)), damaged: rows.flatMap(({ seq }) => (damaged.includes(seq) ? seq : [])) } };
    },
  };
  return { ...opening, store };
}
