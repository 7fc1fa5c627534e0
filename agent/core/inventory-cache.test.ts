import { expect, test } from "vitest";
import type { Inventory, SystemProbe } from "../../platform/ports/host.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { failed, seen, UNSUPPORTED } from "../../platform/ports/reading.ts";
import { inventoryOncePerBoot } from "./inventory-cache.ts";
import { MemoryDocumentStore } from "./storage/memory-document-store.ts";

const good: Inventory = {
  model: seen("box", 1), serial: UNSUPPORTED, os: seen("Linux", 1), kernel: seen("6", 1), cpu: seen("x", 1), cpuCores: seen(2, 1), memoryBytes: seen(1, 1), architecture: seen("x64", 1),
};
let asked = 0;
const probe = (inventory: Inventory): SystemProbe => ({ inventory: () => ((asked += 1), Promise.resolve(inventory)) }) as unknown as SystemProbe;

test("the inventory is read once per boot and agent version", async () => {
  const documents = new MemoryDocumentStore();
  asked = 0;
  expect(await inventoryOncePerBoot(probe(good), documents, "boot-1/0.1.0", silentLog)).toEqual(good);
  expect(await inventoryOncePerBoot(probe(good), documents, "boot-1/0.1.0", silentLog)).toEqual(good);
  expect(asked).toBe(1);
  await inventoryOncePerBoot(probe(good), documents, "boot-2/0.1.0", silentLog);
  expect(asked).toBe(2);
});

test("an inventory with an unreadable fact is read again at the next start", async () => {
  const documents = new MemoryDocumentStore();
  asked = 0;
  const broken = { ...good, serial: failed({ code: "program.timed-out", message: "no answer" }) };
  await inventoryOncePerBoot(probe(broken), documents, "boot-1/0.1.0", silentLog);
  await inventoryOncePerBoot(probe(good), documents, "boot-1/0.1.0", silentLog);
  expect(asked).toBe(2);
});
