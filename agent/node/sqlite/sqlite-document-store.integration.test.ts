import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { describeDocumentStore } from "../../core/storage/document-store.conformance.ts";
import { openDocuments, type DocumentsOpening } from "./open-documents.ts";

describeDocumentStore("SQLite", async () => {
  const root = mkdtempSync(join(tmpdir(), "vitrine-documents-"));
  const opened: DocumentsOpening[] = [];
  let folder = join(root, "0");
  return {
    open: async () => {
      const opening = openDocuments({ path: join(folder, "state.sqlite"), quarantine: join(folder, "quarantine"), quarantineBytesMax: 1e6, clock: new VirtualTime() });
      opened.push(opening);
      return opening.store;
    },
    // A new process would find the files as they are now; this one still has them open.
    crash: async () => {
      const copy = `${folder}-crashed`;
      cpSync(folder, copy, { recursive: true });
      folder = copy;
    },
    dispose: async () => {
      for (const { store } of opened) await store.close?.();
      rmSync(root, { recursive: true, force: true });
    },
  };
});
