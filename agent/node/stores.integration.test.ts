import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SystemTimers, systemClock } from "../../platform/linux/system-clock.ts";
import { systemRandom } from "../../platform/linux/system-random.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { entry } from "../core/commands/testing/journal-entries.ts";
import { pathsIn } from "./paths.ts";
import { openStores, type Stores } from "./stores.ts";

let folder = "";
const opened: Stores[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-stores-"));
});
afterEach(async () => {
  for (const stores of opened.splice(0)) await stores.outbox.close();
  for (const made of [folder, `${folder}-killed`]) rmSync(made, { recursive: true, force: true });
});

async function open(at = folder): Promise<Stores> {
  const stores = await openStores({
    paths: pathsIn(at), capBytes: 8 * 1024 * 1024, bootId: "boot", quality: "synced",
    clock: systemClock, timers: new SystemTimers(), random: systemRandom, log: silentLog,
  });
  opened.push(stores);
  return stores;
}

test("a new folder has no findings", async () => {
  const stores = await open();
  expect(stores.findings).toEqual([]);
  await stores.documents.put({ a: { b: 1 } });
  expect(await stores.documents.get("a")).toEqual({ ok: true, value: { b: 1 } });
});

test.each(["state.sqlite", "journal.sqlite", "outbox.sqlite"])("a %s full of garbage is set aside, reported and replaced", async (name) => {
  writeFileSync(join(folder, name), Buffer.alloc(20_000, 0x5a));
  const stores = await open();
  const incidents: string[] = [];
  stores.onIncident((incident) => incidents.push(incident.kind));
  expect([...stores.findings.map((finding) => finding.code), ...incidents]).toContain(name === "outbox.sqlite" ? "loss" : "storage.quarantined");
  expect(readdirSync(join(folder, "quarantine")).some((file) => file.startsWith(name))).toBe(true);
  await stores.documents.put({ a: { b: 1 } });
  expect((await stores.outbox.append({ stream: "event", kind: "agent", source: "test", body: { name: "x" } })).ok).toBe(true);
});

test("damaged files are kept up to the limit; deleted ones are counted in the evidence", async () => {
  const kept = (): readonly string[] => readdirSync(join(folder, "quarantine")).filter((name) => name.startsWith("state.sqlite"));
  for (let n = 1; n <= 3; n += 1) {
    writeFileSync(join(folder, "state.sqlite"), Buffer.alloc(400 * 1024, n));
    rmSync(join(folder, "state.sqlite-wal"), { force: true });
    const stores = await open();
    const { evidence } = stores.findings.find(({ evidence: { file } }) => file === "state.sqlite") ?? { evidence: {} };
    expect([n, kept().length, evidence]).toMatchObject([n, Math.min(n, 2), { letGo: n < 3 ? 0 : 1 }]);
    await (stores.documents as { close?: () => Promise<void> }).close?.();
    await stores.outbox.close();
    opened.splice(0);
  }
});

test("missing marks of the journal are reported, with or without the journal, but not after an interrupted first start", async () => {
  const first = await open();
  expect((await first.journal.put(entry(1))).ok).toBe(true);
  const killed = `${folder}-killed`;
  const codes = async (...damages: ((file: string) => void)[]): Promise<readonly string[]> => {
    rmSync(killed, { recursive: true, force: true });
    cpSync(folder, killed, { recursive: true });
    for (const damage of damages) damage(killed);
    return (await open(killed)).findings.map(({ code, evidence }) => `${code} ${evidence["file"]}`);
  };
  const remove = (...names: string[]) => (at: string): void => {
    for (const name of names) rmSync(join(at, name), { force: true });
  };
  const told = "storage.quarantined journal.sqlite.marks";
  const journal = ["journal.sqlite", "journal.sqlite-wal"];
  const marks = "journal.sqlite.marks";
  expect(await codes()).toEqual([]);
  expect(await codes(remove(marks))).toEqual([told]);
  expect(await codes(remove("journal.sqlite-wal", marks))).toEqual([told]);
  expect(await codes(remove(...journal, marks))).toEqual([told]);
  expect(await codes(remove(...journal), (at) => writeFileSync(join(at, marks), "rubbish"))).toEqual([told]);
  expect(await codes(remove(marks, "outbox.sqlite", "outbox.sqlite-wal", "outbox.sqlite.marks"))).toEqual([]);
});

test("with a folder in place of the journal, the device starts but accepts no command that it could not remember", async () => {
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "a file where the data folder should be");
  const stores = await open();
  expect(stores.findings.map((finding) => finding.code)).toContain("storage.degraded");
  const none = {} as Parameters<Stores["journal"]["put"]>[0];
  const put = await stores.journal.put(none);
  expect(put).toMatchObject({ ok: false, error: { code: "storage.io", message: expect.stringContaining("there is no journal") as string } });
  expect((await stores.outbox.append({ stream: "event", kind: "agent", source: "test", body: { name: "x" } })).ok).toBe(true);
});
