import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bytesUnderCap, CapWatch } from "./cap-watch.ts";

let data: string;
beforeEach(() => (data = mkdtempSync(join(tmpdir(), "vitrine-watch-"))));
afterEach(() => rmSync(data, { recursive: true, force: true }));

function put(name: string, bytes: number): void {
  writeFileSync(join(data, name), "");
  truncateSync(join(data, name), bytes);
}

test("counts only the outbox, its WAL, reserve, marks and quarantined files", () => {
  expect(bytesUnderCap(data)).toBe(0);
  for (const name of ["outbox.sqlite", "outbox.sqlite-wal", "outbox.sqlite.reserve", "outbox.sqlite.marks"]) put(name, 100);
  for (const name of ["state.sqlite", "journal.sqlite-wal", "agent.lock"]) put(name, 1_000);
  mkdirSync(join(data, "quarantine"));
  put("quarantine/outbox.sqlite.2026-01-01.1-wal", 10);
  put("quarantine/state.sqlite.2026-01-01.1", 5_000);
  expect(bytesUnderCap(data)).toBe(410);
});

test("one byte over the cap at one of many looks is a fault, the cap itself is not", () => {
  const watch = new CapWatch(data, 1_000);
  put("outbox.sqlite", 600);
  put("outbox.sqlite-wal", 400);
  watch.look();
  expect(watch.faults).toEqual([]);
  put("outbox.sqlite-wal", 401);
  watch.look();
  put("outbox.sqlite-wal", 0);
  watch.look();
  expect(watch.faults).toEqual(["the outbox's files have 1001 bytes; the cap is 1000"]);
  expect(watch.stop()).toBe("largest of 3 samples 1001 of 1000 bytes");
});

test("looks by itself once started", async () => {
  const watch = new CapWatch(data, 10);
  put("outbox.sqlite", 11);
  watch.start();
  while (watch.faults.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(watch.stop()).toMatch(/11 of 10 bytes$/);
});
