import { expect, test } from "vitest";
import { silentLog } from "../../platform/ports/log.ts";
import { reportFindings } from "./report-findings.ts";
import type { StorageFinding, Stores } from "./stores.ts";

test("each damaged file is reported as an event, and each kind of lasting storage problem as one alarm", () => {
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
  // One per file, not only the first.
  expect(evidences).toEqual([{ file: "a" }, { file: "c" }, { files: [{ file: "b" }, { file: "d" }] }]);
});

test("what is left on the boot partition is an alarm, until it is gone", () => {
  const told: string[] = [];
  const alarms = { raise: (code: string, severity: string) => void told.push(`${severity} ${code}`), happened: () => {}, clear: (code: string) => void told.push(`cleared ${code}`) };
  const at = (leftOnBoot: string | undefined) => reportFindings({ alarms, stores: { findings: [], onIncident: () => {} } as unknown as Stores, loaded: { findings: [] } as never, openPlaces: [], leftOnBoot, log: silentLog });
  at("the provisioning file was taken, but …");
  at(undefined);
  expect(told.filter((each) => each.includes("provisioning"))).toEqual(["warning provisioning.token-left", "cleared provisioning.token-left"]);
});
