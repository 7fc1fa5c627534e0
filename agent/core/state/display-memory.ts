import type { Log } from "../../../platform/ports/log.ts";
import { isJsonObject, type JsonObject } from "../../../platform/runtime/json.ts";
import type { DocumentStore } from "../storage/document-store.ts";
import type { ManagedDisplay } from "./managed-display.ts";

export const DISPLAY_MEMORY_KEY = "display-memory";

export interface DisplayMemoryDeps {
  readonly documents: DocumentStore;
  readonly displays: readonly Pick<ManagedDisplay, "name" | "display">[];
  readonly log: Log;
}

/**
 * Keeps what display drivers learn, by the name of the display, over restarts. A document that is lost or cannot be written costs
 * only time: the drivers learn it again. Returns the function that stops.
 */
export async function keepDisplayMemory({ documents, displays, log }: DisplayMemoryDeps): Promise<() => void> {
  const stored = await documents.get(DISPLAY_MEMORY_KEY);
  if (!stored.ok) log.warn({ ...stored.error }, "what was learnt about the displays cannot be read; it is learnt again");
  let kept: JsonObject = {};
  const undo = displays.flatMap(({ name, display: { memory } }) => {
    if (memory === undefined) return [];
    const before = stored.ok ? stored.value?.[name] : undefined;
    if (isJsonObject(before)) {
      memory.restore(before);
      kept = { ...kept, [name]: before };
    }
    return [memory.onChange((document) => {
      kept = { ...kept, [name]: document };
      void documents.put({ [DISPLAY_MEMORY_KEY]: kept }).then((put) => {
        if (!put.ok) log.warn({ ...put.error }, "what was learnt about a display is not kept");
      });
    })];
  });
  return () => {
    for (const off of undo) off();
  };
}
