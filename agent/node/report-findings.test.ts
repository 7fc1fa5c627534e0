import { expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { reportFindings } from "./report-findings.ts";
import type { StorageFinding, Stores } from "./stores.ts";

test("a file that was set aside happened, and a store in memory is so: one alarm of each kind of what is, one telling for each of what was", () => {
  const finding = (code: StorageFinding["code"], file: string): StorageFinding => ({ code, message: `${file}!`, evidence: { file } });
  const findings = [finding("storage.quarantined", "a"), finding("storage.degraded", "b"), finding("storage.quarantined", "c"), finding("storage.degraded", "d")];
  const told: string[] = [];
  const evidences: unknown[] = [];
  const note = (kind: string) => (code: string, _severity: unknown, message: string, evidence: unknown): void => {
    told.push(`${kind} ${code} ${message}`);
    evidences.push(evidence);
  };
  const stores = { findings, onIncident: () => {} } as unknown as Stores;
  reportFindings({ alarms: { raise: note("raise"), happened: note("happened"), clear: () => {} }, stores, loaded: { findings: [] } as never, openPlaces: [], log: silentLog });
  expect(told).toEqual(["happened storage.quarantined a!", "happened storage.quarantined c!", "raise storage.degraded b!; d!"]);
  // Every file's, not the first one's alone.
  expect(evidences).toEqual([{ file: "a" }, { file: "c" }, { files: [{ file: "b" }, { file: "d" }] }]);
});
