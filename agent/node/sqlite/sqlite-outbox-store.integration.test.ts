import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "../../../platform/linux/system-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { OutboxOpening } from "../../core/outbox/outbox-store.ts";
import { describeOutboxStore } from "../../core/outbox/outbox-store.conformance.ts";
import { sqliteOutboxOpener } from "./open-outbox.ts";

describeOutboxStore("SQLite", async (capBytes) => {
  const root = mkdtempSync(join(tmpdir(), "vitrine-outbox-"));
  const opened: OutboxOpening[] = [];
  let folder = join(root, "0");
  return {
    open: async () => {
      const opening = await sqliteOutboxOpener({
        path: join(folder, "outbox.sqlite"),
        quarantine: join(folder, "quarantine"),
        capBytes,
        clock: new VirtualTime(),
        random: systemRandom,
      })();
      opened.push(opening);
      return opening;
    },
    // A new process would find the files as they are now; this one still has them open.
    crash: async () => {
      const copy = `${folder}-crashed`;
      cpSync(folder, copy, { recursive: true });
      folder = copy;
    },
    dispose: async () => {
      for (const { store } of opened) await store.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
});
