import { silentLog } from "../../../platform/ports/log.ts";
import { PageSpool } from "../page-spool.ts";
import { describeSpool } from "../spool.conformance.ts";
import { MemorySpool } from "./memory-spool.ts";

describeSpool("a spool in memory", () => {
  const memory = new MemorySpool();
  return Promise.resolve({
    open: () => memory.open(),
    text: () => memory.text,
    setText: (bytes) => void (memory.text = bytes),
    mark: () => memory.mark,
    setMark: (bytes) => void (memory.mark = bytes),
    obstruct: (what) => void memory.obstructed.add(what),
    hasAside: () => memory.aside !== undefined,
    killAfter: async (messages) => {
      const spool = new PageSpool(memory.open(), silentLog);
      await spool.open();
      for (const message of messages) await spool.append(message);
    },
    disk: { fill: () => void (memory.full = true), makeRoom: () => void (memory.full = false) },
    dispose: () => Promise.resolve(),
  });
});
