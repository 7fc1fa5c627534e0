import type Database from "better-sqlite3";
import { STREAMS } from "../../../agent/protocol/records.ts";
import type { PruneReport, RetentionCaps } from "../sessions/cloud-store.ts";

/** Removes the oldest rows beyond the caps, `budget` at most. Call inside a transaction. */
export function pruneTables(db: Database.Database, caps: RetentionCaps, budget: number): PruneReport {
  const report: Record<string, number> = {};
  let left = budget;
  const take = (name: string, removed: number): void => {
    if (removed === 0) return;
    report[name] = (report[name] ?? 0) + removed;
    left -= removed;
  };
  for (const { key, id } of db.prepare("SELECT key, id FROM devices").all() as { key: number; id: string }[]) {
    for (const [stream, name] of STREAMS.entries()) take(name, pruneStream(db, key, stream, caps.records[name], left));
    take("hidden", pruneHidden(db, key, caps.hidden, left));
    take("commands", pruneCommands(db, id, 0, caps.commands, left));
    take("commands", pruneCommands(db, id, 1, caps.hidden, left));
    if (left <= 0) break;
  }
  return report;
}

function pruneStream(db: Database.Database, device: number, stream: number, cap: number, budget: number): number {
  const count = db.prepare("SELECT count(*) FROM records WHERE device = ? AND stream = ?").pluck().get(device, stream) as number;
  const over = Math.min(budget, count - cap);
  if (over <= 0) return 0;
  return db
    .prepare(
      "DELETE FROM records WHERE cursor IN (SELECT cursor FROM records WHERE device = ? AND stream = ? ORDER BY cursor LIMIT ?)",
    )
    .run(device, stream, over).changes;
}

function pruneHidden(db: Database.Database, device: number, cap: number, budget: number): number {
  const count = db.prepare("SELECT count(*) FROM records WHERE device = ? AND flags >= 8").pluck().get(device) as number;
  const over = Math.min(budget, count - cap);
  if (over <= 0) return 0;
  return db
    .prepare(
      "DELETE FROM records WHERE cursor IN (SELECT cursor FROM records WHERE device = ? AND flags >= 8 ORDER BY cursor LIMIT ?)",
    )
    .run(device, over).changes;
}

function pruneCommands(db: Database.Database, device: string, internal: 0 | 1, cap: number, budget: number): number {
  const count = db
    .prepare("SELECT count(*) FROM commands WHERE device = ? AND internal = ? AND open = 0")
    .pluck()
    .get(device, internal) as number;
  const over = Math.min(budget, count - cap);
  if (over <= 0) return 0;
  return db
    .prepare(
      `DELETE FROM commands
        WHERE (device, id, attempt)
        IN (SELECT device, id, attempt FROM commands WHERE device = ? AND internal = ? AND open = 0 ORDER BY number LIMIT ?)`,
    )
    .run(device, internal, over).changes;
}
